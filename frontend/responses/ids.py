"""Ids of responses and their items, all from one random text. Knows no item.

Whoever goes on with a response gives its items the same ids, and an item's id says whose it is.
"""

import re
import secrets

_RESPONSE = re.compile(r"resp_[0-9a-f]{48}")
_ITEM = re.compile(r"[a-z]+_([0-9a-f]{48})_\d+")


def draw() -> str:
    return f"resp_{secrets.token_hex(24)}"


def is_response(text: str) -> bool:
    """Whether it could be one's id."""
    return _RESPONSE.fullmatch(text) is not None


def item(response_id: str, kind: str, index: int) -> str:
    """The index-th of the response's output."""
    return f"{kind}_{response_id.removeprefix('resp_')}_{index}"


def response_of(item_id: str) -> str | None:
    """None where it is no item's id."""
    found = _ITEM.fullmatch(item_id)
    return found and f"resp_{found[1]}"
