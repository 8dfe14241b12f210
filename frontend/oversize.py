"""Texts that are far too long, found out by their beginning. Knows no more of a tokenizer than that it encodes.

To encode megabytes takes seconds, and of most bodies that large the first thousands of characters tell enough.
"""

from collections.abc import Callable

from penstock.frontend.params import too_long

CHARS_PER_TOKEN = 8
"""More than ordinary text has; of one with more, the whole is encoded."""
MARGIN = 1.25
"""Where a text is cut, a token or two may come out differently; never a quarter of them."""


def check_length(text: str, max_tokens: int, encode: Callable[[str, bool], list[int]]) -> None:
    """Raises ApiError 400 for one that cannot fit `max_tokens`. What it lets pass may still be too long."""
    num_chars = CHARS_PER_TOKEN * max_tokens
    if len(text) <= num_chars:
        return
    num_tokens = len(encode(text[:num_chars], False))
    if num_tokens > MARGIN * max_tokens:
        raise too_long(f"more than {max_tokens}", max_tokens)
