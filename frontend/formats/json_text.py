"""Reads JSON that comes in pieces and hands its text on as it comes. Knows no schema.

What it lets through is JSON: it stops at the first character that is not. One mistake is mended, because
models make it and it means one thing only: control characters that stand unescaped in a string.
"""

import json
import re

from penstock.frontend.formats.tape import MalformedError, Step, Tape, Write

MAX_DEPTH = 128
_MAX_ATOM = 1024
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_ATOM = re.compile(r"[-+.0-9A-Za-z]*")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
ATOM = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null", re.ASCII)
_CLOSER = {"{": "}", "[": "]"}


def value(tape: Tape, write: Write) -> Step[None]:
    """Any value, with the whitespace inside it."""
    closers: list[str] = []
    while (yield from _begin(tape, write, closers)) or (yield from _go_on(tape, write, closers)):
        if len(closers) > MAX_DEPTH:
            raise MalformedError


def string(tape: Tape, write: Write) -> Step[None]:
    """With its quotes."""
    yield from tape.expect('"')
    write('"')
    while True:
        yield from tape.run(_PLAIN, write)
        char = yield from tape.peek()
        if char == "\\":
            yield from _escape(tape, write)
        elif char == '"':
            write(tape.advance(1))
            return
        elif char:
            write(json.dumps(tape.advance(1))[1:-1])
        else:
            raise MalformedError


def text(tape: Tape) -> Step[str]:
    """What a string says. Half of a surrogate pair says nothing: no text can hold it."""
    parts: list[str] = []
    yield from string(tape, parts.append)
    said = str(json.loads("".join(parts)))
    if _SURROGATE.search(said):
        raise MalformedError
    return said


def key(tape: Tape, first: bool) -> Step[str | None]:
    """The next key of an object whose brace was read, up to its value; None behind the closing brace."""
    yield from tape.space()
    if (yield from tape.take("}")):
        return None
    if not first:
        yield from tape.expect(",")
        yield from tape.space()
    name = yield from text(tape)
    yield from tape.space()
    yield from tape.expect(":")
    yield from tape.space()
    return name


def _begin(tape: Tape, write: Write, closers: list[str]) -> Step[bool]:
    """Reads a value, or the beginning of one that has members; whether it is the latter."""
    char = yield from tape.peek()
    if char == '"':
        yield from string(tape, write)
    elif char in _CLOSER:
        return (yield from _open(tape, write, closers))
    else:
        yield from _atom(tape, write)
    return False


def _open(tape: Tape, write: Write, closers: list[str]) -> Step[bool]:
    opener = tape.advance(1)
    write(opener)
    yield from tape.space(write)
    if (yield from tape.peek()) == _CLOSER[opener]:
        write(tape.advance(1))
        return False
    closers.append(_CLOSER[opener])
    if opener == "{":
        yield from _member(tape, write)
    return True


def _go_on(tape: Tape, write: Write, closers: list[str]) -> Step[bool]:
    """Behind a value: closes what ends here; whether another value follows."""
    while closers:
        yield from tape.space(write)
        char = yield from tape.peek()
        if char == closers[-1]:
            write(tape.advance(1))
            closers.pop()
        elif char == ",":
            write(tape.advance(1))
            yield from tape.space(write)
            if closers[-1] == "}":
                yield from _member(tape, write)
            return True
        else:
            raise MalformedError
    return False


def _member(tape: Tape, write: Write) -> Step[None]:
    """A key and its colon."""
    yield from string(tape, write)
    yield from tape.space(write)
    yield from tape.expect(":")
    write(":")
    yield from tape.space(write)


def _atom(tape: Tape, write: Write) -> Step[None]:
    """A number or a word."""
    word = yield from tape.word(_ATOM, _MAX_ATOM)
    if not ATOM.fullmatch(word):
        raise MalformedError
    write(tape.advance(len(word)))


def _escape(tape: Tape, write: Write) -> Step[None]:
    sign = (yield from tape.peek(2))[1:]
    if not sign or sign not in '"\\/bfnrtu':
        raise MalformedError
    if sign != "u":
        write(tape.advance(2))
        return
    if not _HEX.fullmatch((yield from tape.peek(6)), 2):
        raise MalformedError
    write(tape.advance(6))
