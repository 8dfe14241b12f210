"""Why a constraint cannot be enforced. Knows no grammar engine."""

import json

from penstock.protocol.errors import PenstockError

MAX_CHARS = 500
MAX_QUOTED_CHARS = 60


class GrammarError(PenstockError):
    """`str(error)` is fit for whoever wrote the constraint."""


def shortened(reason: str, quoted: str = "") -> str:
    """Reasons quote what they are about, here `quoted`, and it may fill many pages."""
    if len(quoted) > MAX_QUOTED_CHARS:
        for spelling in (quoted, json.dumps(quoted, ensure_ascii=False)[1:-1]):
            reason = reason.replace(spelling, f"{quoted[:MAX_QUOTED_CHARS]} ... ")
    if len(reason) <= MAX_CHARS:
        return reason
    half = MAX_CHARS // 2
    return f"{reason[: half - 3]} ... {reason[2 - half :]}"
