"""Strings that stand in an answer without quotes, up to a marker. Knows no format."""

import re

from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.rules import Rules, either, quoted
from penstock.frontend.formats.grammar.schemas import Schema, as_list, bound
from penstock.frontend.formats.schema_types import Types

_UNBOUNDED = 1 << 30
_ANY_TEXT = "/(?s:.*)/"
_LOOKS_LIKE = {
    "number": r"\s*-?[0-9](?s:.*)",
    "integer": r"\s*-?[0-9](?s:.*)",
    "boolean": r"\s*(true|false)\s*",
    "null": r"\s*null\s*",
    "object": r"\s*\{(?s:.*)",
    "array": r"\s*\[(?s:.*)",
}


def raw_string(rules: Rules, schema: Schema, end: str, marker: str, others: Types) -> str:
    """Text that the schema allows, and `end`, which holds the marker that the text must not hold.

    Text that would be read as a value of one of the `others` is left out.
    """
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else as_list(schema["enum"])
        texts = [each for each in values if isinstance(each, str) and marker not in each]
        if not texts:
            raise GrammarError("an argument's enum has no value that this model's format can write")
        return f"{either(map(_text, texts))} {rules.literal(end)}"
    parts = [_ANY_TEXT, *_asked(schema), f"~/(?s:.*){_literal(marker)}(?s:.*)/"]
    parts += [f"~/{_LOOKS_LIKE[kind]}/" for kind in sorted(others & _LOOKS_LIKE.keys())]
    terminal = rules.terminal(" & ".join(dict.fromkeys(parts)))
    before, token = rules.split(end)
    if not token:
        return rules.rule(terminal, f"[suffix={quoted(end)}]")
    text = rules.terminal(f"{terminal} {quoted(before)}") if before else terminal
    return f"{text} {rules.literal(token)}"


def _asked(schema: Schema) -> list[str]:
    parts = []
    if isinstance(pattern := schema.get("pattern"), str):
        parts.append(f"/{_searched(pattern)}/")
    low, high = bound(schema, "minLength", 0), bound(schema, "maxLength", _UNBOUNDED)
    if low or high < _UNBOUNDED:
        parts.append(f"/(?s:.){{{low},{high if high < _UNBOUNDED else ''}}}/")
    return parts


def _searched(pattern: str) -> str:
    """A schema's pattern may match anywhere; the grammar's matches all."""
    pattern = re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", pattern).replace("\n", r"\n")
    if "|" in pattern and not re.fullmatch(r"\^\((?:[^()\\]|\\.)*+\)\$", pattern):
        return f"(?s:.*)({pattern})(?s:.*)"
    begin, end = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith(r"\$")
    body = pattern[begin : len(pattern) - end]
    return f"{'' if begin else '(?s:.*)'}({body}){'' if end else '(?s:.*)'}"


def _literal(text: str) -> str:
    return re.escape(text).replace("/", r"\/")


def _text(value: str) -> str:
    return quoted(value, empty=True)
