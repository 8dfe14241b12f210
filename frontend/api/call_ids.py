"""Ids of tool calls, as a model's template wants to see them again. Knows no call."""

import random
import secrets
import string

from penstock.frontend.formats import AnswerFormat

_LETTERS = string.ascii_letters + string.digits
NUM_RANDOM = 24


class CallIds:
    """One for each call of a choice, in order; with a `seed` the same ones each time."""

    def __init__(self, format: AnswerFormat, seed: str | None = None) -> None:
        self._pattern = format.tools.call_id if format.tools else ""
        self._random = secrets.SystemRandom() if seed is None else random.Random(seed)

    def __call__(self, index: int, name: str) -> str:
        random24 = "".join(self._random.choices(_LETTERS, k=NUM_RANDOM))
        return self._pattern.format(random24=random24, random9=random24[:9], index=index, name=name)
