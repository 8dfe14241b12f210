"""Reads values as Python and its kin write them, and writes JSON as they come. Knows no calls."""

import json
import re
from collections import deque
from dataclasses import dataclass
from functools import cached_property

from penstock.frontend.formats.json_text import ATOM
from penstock.frontend.formats.markers import Markers
from penstock.frontend.formats.tape import CutShortError, MalformedError, Step, Tape, Write

MAX_DEPTH = 64
_MAX_WORD = 1024
_WORDS = {"True": "true", "False": "false", "None": "null"}
_PLAIN_WORD = re.compile(r"[^\s,:()\[\]{}\"'=]*")
_LOOSE_WORD = re.compile(r"[^,:\[\]{}]*")
_CLOSERS = {"[": "]", "(": ")", "{": "}"}
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "a": "\a",
    "v": "\v",
    "0": "\0",
    "\n": "",
}
_NUM_HEX = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True)
class Syntax:
    """What one dialect adds to numbers, words, lists and objects."""

    quotes: tuple[str, ...]
    """Longer ones first."""
    escapes: bool
    """Whether a backslash in a string means something."""
    loose: bool
    """Whether keys, and values that are no number and no word, may be strings without quotes."""

    @property
    def holds_json(self) -> bool:
        """Whether JSON is a value of this dialect."""
        return '"' in self.quotes

    @cached_property
    def string_ends(self) -> dict[str, Markers]:
        """For each quote, what interrupts its string."""
        backslash = ("\\",) if self.escapes else ()
        return {quote: Markers((quote, *backslash)) for quote in self.quotes}


PYTHON = Syntax(quotes=('"""', "'''", '"', "'"), escapes=True, loose=False)


def value(tape: Tape, write: Write, syntax: Syntax, depth: int = 0) -> Step[None]:
    """Any value. Raises MalformedError."""
    if depth > MAX_DEPTH:
        raise MalformedError
    quote = yield from _quote(tape, syntax)
    char = yield from tape.peek()
    if quote:
        yield from _string(tape, write, syntax, quote)
    elif char in ("[", "("):
        yield from _list(tape, write, syntax, depth)
    elif char == "{":
        yield from _object(tape, write, syntax, depth)
    else:
        write((yield from _word(tape, syntax)))


def key(tape: Tape, syntax: Syntax) -> Step[str]:
    """A member's name as a JSON string."""
    parts: list[str] = []
    if quote := (yield from _quote(tape, syntax)):
        yield from _string(tape, parts.append, syntax, quote)
        return "".join(parts)
    word = (yield from tape.word(_PLAIN_WORD, _MAX_WORD)).strip()
    if tape.ends_behind(word):
        raise CutShortError
    if not word:
        raise MalformedError
    return json.dumps(tape.advance(len(word)), ensure_ascii=False)


def is_bare_key(name: str) -> bool:
    """Whether it needs no quotes."""
    return bool(name) and _PLAIN_WORD.fullmatch(name) is not None


def literal_as_json(text: str, syntax: Syntax) -> str | None:
    """None for what is no literal."""
    tape, parts = Tape(), list[str]()
    tape.feed(f"{text}\n")
    tape.end()
    try:
        deque(value(tape, parts.append, syntax), maxlen=0)
        deque(tape.expect("\n"), maxlen=0)
        deque(tape.expect_end(), maxlen=0)
    except MalformedError:
        return None
    return "".join(parts)


def _quote(tape: Tape, syntax: Syntax) -> Step[str]:
    """The quote that comes next, read; '' where none does."""
    for quote in syntax.quotes:
        if (yield from tape.take(quote)):
            return quote
    return ""


def _list(tape: Tape, write: Write, syntax: Syntax, depth: int) -> Step[None]:
    closer = _CLOSERS[tape.advance(1)]
    write("[")
    separator = ""
    while not (yield from closes(tape, closer, bool(separator))):
        write(separator)
        yield from value(tape, write, syntax, depth + 1)
        separator = ", "
    write("]")


def _object(tape: Tape, write: Write, syntax: Syntax, depth: int) -> Step[None]:
    closer = _CLOSERS[tape.advance(1)]
    write("{")
    separator = ""
    while not (yield from closes(tape, closer, bool(separator))):
        write(separator)
        write((yield from key(tape, syntax)) + ": ")
        yield from tape.space()
        yield from tape.expect(":")
        yield from tape.space()
        yield from value(tape, write, syntax, depth + 1)
        separator = ", "
    write("}")


def closes(tape: Tape, closer: str, wants_comma: bool) -> Step[bool]:
    """Reads up to the next member, or the closer too; a comma may stand before the closer."""
    yield from tape.space()
    if (yield from tape.take(closer)):
        return True
    if wants_comma:
        yield from tape.expect(",")
        yield from tape.space()
        return (yield from tape.take(closer))
    return False


def _string(tape: Tape, write: Write, syntax: Syntax, quote: str) -> Step[None]:
    """Behind its opening quote."""
    write('"')
    ends = syntax.string_ends[quote]

    def add(text: str) -> None:
        write(_escaped(text))

    while (marker := (yield from tape.until(ends, add, keeps_torn=False))) != quote:
        if not marker:
            raise CutShortError
        yield from _escape(tape, write)
    write('"')


def _escape(tape: Tape, write: Write) -> Step[None]:
    """Behind a backslash. One that means nothing stands for itself, as in Python."""
    sign = yield from tape.peek()
    if sign in _NUM_HEX:
        yield from _code_point(tape, write)
    elif sign:
        tape.advance(1)
        meant = sign if sign in "\\'\"" else _ESCAPES.get(sign, "\\" + sign)
        write(_escaped(meant))


def _code_point(tape: Tape, write: Write) -> Step[None]:
    num_digits = _NUM_HEX[(yield from tape.peek())]
    digits = (yield from tape.peek(1 + num_digits))[1:]
    if len(digits) < num_digits:
        raise CutShortError
    if not re.fullmatch(f"[0-9a-fA-F]{{{num_digits}}}", digits) or int(digits, 16) > 0x10FFFF:
        raise MalformedError
    tape.advance(1 + num_digits)
    code = int(digits, 16)
    write(f"\\u{code:04x}" if 0xD800 <= code < 0xE000 else _escaped(chr(code)))


def _word(tape: Tape, syntax: Syntax) -> Step[str]:
    """A number or a word, as JSON."""
    pattern = _LOOSE_WORD if syntax.loose else _PLAIN_WORD
    word = yield from tape.word(pattern, _MAX_WORD)
    if tape.ends_behind(word):
        raise CutShortError
    found = _as_json(word.strip())
    if found is None and syntax.loose and word.strip():
        found = json.dumps(word.strip(), ensure_ascii=False)
    if found is None:
        raise MalformedError
    tape.advance(len(word))
    return found


def _as_json(word: str) -> str | None:
    word = _WORDS.get(word, word)
    if ATOM.fullmatch(word):
        return word
    try:
        return str(int(word, 0))
    except ValueError:
        pass
    try:
        number = float(word)
    except ValueError:
        return None
    return repr(number) if number - number == 0 else None


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
