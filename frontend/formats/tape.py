"""Text that comes in pieces, read as if it were whole. Knows no format.

Everything that reads is a generator which yields where it needs more text, so a format is written as if
all its text were there, and reads the same for every way of cutting it: nothing is decided on text that
the next piece could change.
"""

import re
import sys
from collections.abc import Callable, Generator
from typing import TypeVar

from penstock.frontend.formats.markers import Markers

T = TypeVar("T")
Step = Generator[None, None, T]
Write = Callable[[str], None]

MAX_HELD = 1 << 18
"""At most so many characters are read before it is decided what they are."""
_SPACE = re.compile(r"[ \t\r\n]*")


class MalformedError(Exception):
    """What comes next cannot belong here. All that was read before it could."""


class CutShortError(MalformedError):
    """The text ends here, where it could have gone on."""


class Tape:
    """A place in a text that grows at its end."""

    def __init__(self) -> None:
        self._text = ""
        self._pos = 0
        self._ended = False
        self._record: list[str] | None = None
        self._num_recorded = 0

    def feed(self, text: str) -> None:
        self._text = self._text[self._pos :] + text
        self._pos = 0

    def end(self) -> None:
        """No more text comes."""
        self._ended = True

    def record(self, before: str = "") -> None:
        """From here on, remembers what is read, behind `before`."""
        self._record = [before]
        self._num_recorded = len(before)

    def recorded(self) -> str:
        """Ends the recording and gives it back."""
        record, self._record = self._record or [], None
        return "".join(record)

    def peek(self, num_chars: int = 1) -> Step[str]:
        """The next characters, fewer only at the end."""
        while len(self._text) - self._pos < num_chars and not self._ended:
            yield
        return self._text[self._pos : self._pos + num_chars]

    def at(self, literal: str) -> Step[bool]:
        """Whether this comes next."""
        while True:
            have = self._text[self._pos : self._pos + len(literal)]
            if have == literal:
                return True
            if self._ended or not literal.startswith(have):
                return False
            yield

    def take(self, literal: str) -> Step[bool]:
        """Reads this if it comes next, else nothing."""
        found = yield from self.at(literal)
        if found:
            self.advance(len(literal))
        return found

    def expect(self, *literals: str) -> Step[str]:
        """Reads one of these and says which. Raises MalformedError where something else comes."""
        longest = max(map(len, literals))
        while True:
            unread = self._text[self._pos : self._pos + longest]
            for literal in literals:
                if unread.startswith(literal):
                    return self.advance(len(literal))
            if not any(literal.startswith(unread) for literal in literals):
                raise MalformedError
            if self._ended:
                raise CutShortError
            yield

    def expect_end(self) -> Step[None]:
        """Raises MalformedError where anything comes."""
        if (yield from self.peek()):
            raise MalformedError

    def run(self, pattern: re.Pattern[str], write: Write) -> Step[None]:
        """Reads as far as the pattern goes, which must match character by character."""
        while True:
            found = pattern.match(self._text, self._pos)
            if found and found.end() > self._pos:
                write(self.advance(found.end() - self._pos))
            if self._pos < len(self._text) or self._ended:
                return
            yield

    def word(self, pattern: re.Pattern[str], limit: int) -> Step[str]:
        """What `run` would read, without reading it. Raises MalformedError beyond the limit."""
        while True:
            found = pattern.match(self._text, self._pos)
            end = found.end() if found else self._pos
            if end - self._pos > limit:
                raise MalformedError
            if end < len(self._text) or self._ended:
                return self._text[self._pos : end]
            yield

    def space(self, write: Write | None = None) -> Step[None]:
        """Reads whitespace."""
        yield from self.run(_SPACE, write or ignore)

    def until(
        self, markers: Markers, write: Write, limit: int = sys.maxsize, keeps_torn: bool = True
    ) -> Step[str]:
        """Reads up to the first marker and the marker too, which it returns; '' at the end.

        `keeps_torn` says whether the beginning of a marker is text where the text ends with it. Raises
        MalformedError where more than `limit` characters come before a marker.
        """
        while True:
            search = markers.find if self._ended and keeps_torn else markers.search
            start, marker = search(self._text, self._pos)
            limit -= self._copy(start - self._pos, write, limit)
            if marker or self._ended:
                self.advance(len(marker))
                return marker
            yield

    def collect(self, markers: Markers, limit: int) -> Step[str]:
        """The text up to the first marker. Raises MalformedError where none comes within the limit."""
        parts: list[str] = []
        if not (yield from self.until(markers, parts.append, limit)):
            raise MalformedError
        return "".join(parts)

    def _copy(self, num_chars: int, write: Write, limit: int) -> int:
        if num_chars > 0:
            write(self.advance(min(num_chars, limit)))
        if num_chars > limit:
            raise MalformedError
        return num_chars

    def back(self, literal: str) -> None:
        """Unreads what was read last."""
        self._pos -= len(literal)
        assert self._text.startswith(literal, self._pos)

    def ends_behind(self, word: str) -> bool:
        """Whether the text ends with what `word` showed."""
        return len(self._text) - self._pos == len(word)

    def advance(self, num_chars: int) -> str:
        """Reads characters that `peek` or `word` showed."""
        if self._record is not None:
            num_chars = self._remember(num_chars)
        piece = self._text[self._pos : self._pos + num_chars]
        self._pos += num_chars
        return piece

    def _remember(self, num_chars: int) -> int:
        """Of a text too long to be held exactly the beginning is read, however it was cut."""
        assert self._record is not None
        if self._num_recorded >= MAX_HELD:
            raise MalformedError
        num_chars = min(num_chars, MAX_HELD - self._num_recorded)
        self._record.append(self._text[self._pos : self._pos + num_chars])
        self._num_recorded += num_chars
        return num_chars


def ignore(text: str) -> None:
    """For text that says nothing."""
