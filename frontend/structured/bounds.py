"""Holds constraints to sizes and forms that are safe to send on. Knows texts, not which field they came from."""

import re

import msgspec
from msgspec import Raw

from penstock.frontend.errors import ApiError, bad_request

MAX_CHARS = 1 << 18
MAX_REGEX_CHARS = 1 << 15
MAX_CHOICES = 10_000
MAX_NESTING = 64
MAX_WHITESPACE_CHARS = 256
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|([\[{])|([\]}])')
_BLANKS = r"[ \t\n\r]|\\[ntr]|\\x(?:20|09|0[aAdD])"
_WHITESPACE = re.compile(
    rf"(?:{_BLANKS}|\\s|\[(?:{_BLANKS}|\\s)+\]|[()|?*+]|\{{\d{{0,3}},?\d{{0,3}}\}})*+"
)


def json_text(name: str, given: Raw) -> str:
    """A schema or the like, which may also come as a string that holds it."""
    text = bytes(given).decode()
    if text.startswith('"'):
        text = msgspec.json.decode(given, type=str)
        try:
            msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _bad(f"{name} is not valid JSON: {error}", name) from error
    bounded(name, text, MAX_CHARS)
    if _nesting(text) > MAX_NESTING:
        raise _bad(f"{name} is nested more than {MAX_NESTING} levels deep.", name)
    return text


def schema_text(name: str, given: Raw) -> str:
    """An object, or true or false, which JSON schemas may also be."""
    text = json_text(name, given).strip()
    if not text.startswith("{") and text not in ("true", "false"):
        raise _bad(f"{name}: a JSON schema is an object.", name)
    return text


def regex_text(name: str, text: str) -> str:
    if "\0" in text:
        raise _bad(f"{name} cannot hold a NUL character.", name)
    return bounded(name, text, MAX_REGEX_CHARS)


def choices_text(name: str, choices: list[str]) -> str:
    if not choices:
        raise _bad(f"{name} cannot be an empty list of choices.", name)
    if len(choices) > MAX_CHOICES:
        raise _bad(f"{name} holds at most {MAX_CHOICES} choices, got {len(choices)}.", name)
    return bounded(name, msgspec.json.encode(choices).decode(), MAX_CHARS)


def grammar_text(name: str, text: str) -> str:
    if not text.strip():
        raise _bad(f"{name} cannot be empty.", name)
    return bounded(name, text, MAX_CHARS)


def whitespace_text(name: str, pattern: str | None) -> str | None:
    r"""A pattern of nothing but JSON's own blanks, with \s for any of them: others would break the JSON."""
    if pattern is None:
        return None
    if len(pattern) > MAX_WHITESPACE_CHARS or not _WHITESPACE.fullmatch(pattern):
        raise _bad(
            f"{name} must be a regex of spaces, tabs and line ends, of at most "
            f"{MAX_WHITESPACE_CHARS} characters.",
            name,
            pattern,
        )
    return re.sub(r"(\[[^]]*)\\s", r"\1 \\t\\n\\r", pattern).replace(r"\s", r"[ \t\n\r]")


def bounded(name: str, text: str, most: int) -> str:
    if len(text) > most:
        raise _bad(f"{name} holds at most {most} characters, got {len(text)}.", name)
    return text


def _nesting(text: str) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        if found[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif found[2]:
            depth -= 1
    return deepest


def _bad(message: str, name: str, *value: object) -> ApiError:
    """The error's parameter is the field of the body, the message names the place in it."""
    return bad_request(message, name.partition(".")[0], *value)
