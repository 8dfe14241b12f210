"""Random prompts of a given length, as token ids or as words. Knows no tokenizer.

Ids give exact lengths anywhere. Words, for endpoints that take only text, give about one token each.
"""

import random

from penstock.bench.samples import Endpoint
from penstock.protocol.errors import SettingsError

_ONSETS = "bcdfghlmnprstvw"
_RIMES = (
    "ake",
    "and",
    "ark",
    "ean",
    "ell",
    "ent",
    "ick",
    "ide",
    "ill",
    "ine",
    "ock",
    "old",
    "ore",
    "ust",
)
WORDS = [onset + rime for onset in _ONSETS for rime in _RIMES]


Stretch = list[int | str]


class Vocabulary:
    """Draws from `ids` for completions and from words for chat."""

    def __init__(self, ids: range, endpoint: Endpoint, rng: random.Random) -> None:
        self._ids = ids
        self._is_text = endpoint == "chat"
        self._rng = rng

    def draw(self, length: int) -> Stretch:
        """A random stretch; stretches can be joined."""
        return self._rng.choices(WORDS if self._is_text else self._ids, k=length)

    def prompt(self, stretch: Stretch) -> list[int] | str:
        """What is sent for a stretch."""
        if self._is_text:
            return " ".join(map(str, stretch))
        return [int(token_id) for token_id in stretch]


def id_range(text: str) -> range:
    """'1000:3000' as a range. Raises SettingsError."""
    low, _, high = text.partition(":")
    if not (low.isdecimal() and high.isdecimal() and int(low) < int(high)):
        raise SettingsError(f"--random-token-ids {text}: expected LOW:HIGH with LOW below HIGH")
    return range(int(low), int(high))
