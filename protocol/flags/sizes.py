"""Numbers as people say them: 8k, 8K, 4GiB. Knows units, no setting."""

import re
from decimal import Decimal

UNITS = (
    "k, m, g, t (of 1000, as KB, MB, GB, TB are) or K, M, G, T (of 1024, as KiB, MiB, GiB, TiB are)"
)
_LETTERS = "kmgt"
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?b)?)?", re.IGNORECASE)


def human_int(text: str) -> int | None:
    """'8k' and '8KB' are 8000, '8K' and '8KiB' 8192; 'auto', 'none' and '-1' are None. Raises ValueError."""
    if text.lower() in ("auto", "none", "null", "-1"):
        return None
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        raise ValueError(f"expected a number such as 8192, 8k or 4GiB, with {UNITS}, got {text!r}")
    number, letter, rest = found.groups(default="")
    if letter.isupper() and not rest and "." in number:
        small = f"{number}{letter.lower()}"
        raise ValueError(f"{letter} is of 1024 and takes whole numbers; {small} is of 1000")
    return int(Decimal(number) * _factor(letter, rest))


def _factor(letter: str, rest: str) -> int:
    """A single capital is of 1024, as vLLM has it; with a B behind it, case says nothing."""
    if not letter:
        return 1
    is_binary = rest.lower() == "ib" or (not rest and letter.isupper())
    return int((1024 if is_binary else 1000) ** (_LETTERS.index(letter.lower()) + 1))
