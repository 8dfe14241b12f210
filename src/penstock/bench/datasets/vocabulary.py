"""Random prompts of a given length, as token ids or as words. Knows no tokenizer.

Ids give exact lengths anywhere. Words, for endpoints that take only text, give about as many tokens as measured.
"""

import random

from penstock.bench.datasets.measure import Measure
from penstock.bench.samples import Endpoint, Sample
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

    def __init__(
        self, ids: range, endpoint: Endpoint, rng: random.Random, measure: Measure
    ) -> None:
        self._ids = ids
        self._is_text = endpoint == "chat"
        self._rng = rng
        self._measure = measure

    def draw(self, num_tokens: int) -> Stretch:
        """A random stretch of that length, or about it in words; stretches can be joined."""
        if self._is_text:
            return self._rng.choices(WORDS, k=self._measure.num_words(num_tokens))
        return self._rng.choices(self._ids, k=num_tokens)

    def sample(self, stretch: Stretch, output_len: int) -> Sample:
        """A request with that prompt, or as much of it as fits beside the answer."""
        if self._is_text:
            fitting = stretch[: self._measure.most_words(output_len)]
            num_tokens = self._measure.num_tokens(len(fitting))
            prompt: list[int] | str = " ".join(map(str, fitting))
        else:
            fitting = stretch[: self._measure.most_ids(output_len)]
            num_tokens = len(fitting)
            prompt = [int(token_id) for token_id in fitting]
        return Sample(prompt, output_len, num_tokens, len(fitting) < len(stretch))


def id_range(text: str) -> range:
    """'1000:3000' as a range. Raises SettingsError."""
    low, _, high = text.partition(":")
    if not (low.isdecimal() and high.isdecimal() and int(low) < int(high)):
        raise SettingsError(f"--random-token-ids {text}: expected LOW:HIGH with LOW below HIGH")
    return range(int(low), int(high))
