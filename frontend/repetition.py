"""Notices an output that only repeats itself. Knows token ids and patterns, not how an answer is ended."""

from collections.abc import Sequence

from penstock.frontend.api.fields import RepetitionDetection
from penstock.frontend.errors import bad_request

MAX_PATTERN_SIZE = 256
"""Every token is compared at each distance up to it."""
MAX_COUNT = 1 << 20


def checked(asked: RepetitionDetection | None) -> RepetitionDetection | None:
    """None where nothing is to be detected. Raises ApiError."""
    if asked is None or asked.max_pattern_size == 0:
        return None
    size = asked.max_pattern_size
    _check("max_pattern_size", size, range(MAX_PATTERN_SIZE + 1), MAX_PATTERN_SIZE)
    _check("min_pattern_size", asked.min_pattern_size, range(size + 1), "max_pattern_size")
    _check("min_count", asked.min_count, range(2, MAX_COUNT + 1), MAX_COUNT)
    return asked


def _check(field: str, value: int, allowed: range, most: int | str) -> None:
    if value not in allowed:
        name = "repetition_detection"
        raise bad_request(
            f"{name}.{field} must be in [{allowed.start}, {most}], got {value}.", name
        )


class RepetitionDetector:
    """Watches one output grow.

    A pattern of p tokens has come c times when the last p * (c - 1) tokens each equal the one p before
    it. So a count for each p is all there is to keep.
    """

    def __init__(self, rules: RepetitionDetection) -> None:
        sizes = range(max(1, rules.min_pattern_size), rules.max_pattern_size + 1)
        self._enough = {size: size * (rules.min_count - 1) for size in sizes}
        self._equal = dict.fromkeys(sizes, 0)
        self._output: list[int] = []

    def push(self, ids: Sequence[int]) -> int | None:
        """How many of `ids` there are up to the end of a repetition; None where they end none."""
        for count, token_id in enumerate(ids, start=1):
            if self._push(token_id):
                return count
        return None

    def _push(self, token_id: int) -> bool:
        output, length = self._output, len(self._output)
        found = False
        for size, equal in self._equal.items():
            if size > length:
                break
            self._equal[size] = equal + 1 if output[length - size] == token_id else 0
            found |= self._equal[size] >= self._enough[size]
        output.append(token_id)
        return found
