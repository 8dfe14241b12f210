"""Why a constraint cannot be enforced. Knows no grammar engine."""

from penstock.protocol.errors import PenstockError


class GrammarError(PenstockError):
    """`str(error)` is fit for whoever wrote the constraint."""
