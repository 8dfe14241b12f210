"""Finds the first of several fixed texts, even where one is torn. Knows nothing of what they mean."""

import re
from collections.abc import Iterable


class Markers:
    """Of several markers the leftmost counts, of two that begin together the shorter."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted(set(texts), key=lambda text: (len(text), text))
        assert all(self.texts), "an empty marker would be everywhere"
        self._pattern = re.compile("|".join(map(re.escape, self.texts)) or r"(?!)")
        self._prefixes = frozenset(text[:n] for text in self.texts for n in range(1, len(text)))
        self._first_chars = frozenset(text[0] for text in self.texts)
        self._longest = max(map(len, self.texts), default=1)

    def search(self, text: str, start: int) -> tuple[int, str]:
        """Where the first marker begins, and it; or where one may be beginning (at worst the end) and ''."""
        torn = self._torn(text, start)
        found = self._pattern.search(text, start)
        if found and found.start() <= torn:
            return found.start(), found.group()
        return torn, ""

    def find(self, text: str, start: int) -> tuple[int, str]:
        """The same for text after which nothing comes."""
        found = self._pattern.search(text, start)
        return (found.start(), found.group()) if found else (len(text), "")

    def _torn(self, text: str, start: int) -> int:
        """Where the longest beginning of a marker lies that the text ends with."""
        start = max(start, len(text) - self._longest + 1)
        if self._first_chars.isdisjoint(text[start:]):
            return len(text)
        for at in range(start, len(text)):
            if text[at:] in self._prefixes:
                return at
        return len(text)
