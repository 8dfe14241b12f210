"""Finds stop strings in text that comes in pieces. Knows no tokens.

Each stop string is followed by its own Knuth-Morris-Pratt automaton, whose state is how much of it
the text so far ends with. So every character is looked at once, a piece may end anywhere, the longest
state is exactly what must be held back, and no stop string, however long or repetitive, is slow.
"""

from typing import NamedTuple


class Found(NamedTuple):
    """Text that may be shown, and the stop string that ended it."""

    text: str
    stop: str | None


class StopStrings:
    """Of several stop strings the one that is complete first wins; of two complete at once, the one named first.

    Its text is cut off, or kept with `include_in_output` (then nothing is ever held back).
    """

    def __init__(self, stops: tuple[str, ...], include_in_output: bool = False) -> None:
        assert all(stops), "an empty stop string would match everywhere"
        self._automata = [_Automaton(stop) for stop in stops]
        self._first_chars = frozenset(stop[0] for stop in stops)
        self._include = include_in_output
        self._held = ""
        self._idle = True
        self._done = False

    def push(self, text: str, armed: bool = True) -> Found:
        """`armed=False`: a stop string that is complete within this piece does not count."""
        if self._done:
            return Found("", None)
        if self._idle and self._first_chars.isdisjoint(text):
            return Found(text, None)
        for index, char in enumerate(text):
            stop = self._advance(char)
            if stop is not None and armed:
                return self._stop_at(text[: index + 1], stop)
        return Found(self._release(text), None)

    def flush(self) -> str:
        """What is held back, when the text ends without a stop string."""
        held, self._held = self._held, ""
        return held

    def _advance(self, char: str) -> str | None:
        complete = None
        for automaton in self._automata:
            if automaton.advance(char) and complete is None:
                complete = automaton.stop
        return complete

    def _stop_at(self, text: str, stop: str) -> Found:
        self._done = True
        shown = self.flush() + text
        return Found(shown if self._include else shown[: len(shown) - len(stop)], stop)

    def _release(self, text: str) -> str:
        num_held = max((automaton.state for automaton in self._automata), default=0)
        self._idle = num_held == 0
        if self._include or not num_held:
            return self.flush() + text
        shown = self._held + text
        self._held = shown[-num_held:]
        return shown[:-num_held]


class _Automaton:
    def __init__(self, stop: str) -> None:
        self.stop = stop
        self.state = 0
        self._fallback = _fallbacks(stop)

    def advance(self, char: str) -> bool:
        """Whether the stop string is complete. The state then is its longest proper border."""
        stop, state = self.stop, self.state
        while state and stop[state] != char:
            state = self._fallback[state - 1]
        state += stop[state] == char
        complete = state == len(stop)
        self.state = self._fallback[-1] if complete else state
        return complete


def _fallbacks(stop: str) -> list[int]:
    """For each prefix, the length of its longest proper prefix that is also its suffix."""
    lengths = [0] * len(stop)
    length = 0
    for i in range(1, len(stop)):
        while length and stop[i] != stop[length]:
            length = lengths[length - 1]
        length += stop[i] == stop[length]
        lengths[i] = length
    return lengths
