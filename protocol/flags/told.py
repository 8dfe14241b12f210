"""What settings say about themselves at start: no effect here, or not served. Knows no setting."""

import msgspec

from penstock.protocol.errors import NotServedError
from penstock.protocol.flags.field import fields_of


def inert_notices(settings: msgspec.Struct) -> list[str]:
    """One line for each setting that was changed and has no effect here."""
    return [
        f"{f.flag} has no effect: {reason}"
        for f in fields_of(type(settings))
        if (reason := f.why("inert", getattr(settings, f.name)))
    ]


def check_served(settings: msgspec.Struct) -> None:
    """Raises NotServedError for the first setting that asks for what is not served."""
    for field in fields_of(type(settings)):
        reason = field.why("refused", getattr(settings, field.name))
        if reason:
            raise NotServedError(f"{field.flag}: {reason}")
