"""Constraints in the grammar engine's own language. Knows what they mean, not what they cost.

Runs where a hostile one can do no harm (`trial.py`); what it makes is then compiled by the worker too.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from llguidance import LLMatcher
from llguidance.gbnf_to_lark import GbnfToLarkError, gbnf_to_lark

from penstock.protocol.constraint import Constraint, Kind
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.escapes import allowed_escapes
from penstock.workers.grammar.formats import with_formats
from penstock.workers.grammar.keywords import with_known_keywords
from penstock.workers.grammar.lookahead import without_lookahead
from penstock.workers.grammar.schema import parts, rewritten
from penstock.workers.grammar.structural import structural_tag_to_lark

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

WHITESPACE = r" {1,2}|\r?\n[ \t]{0,32}"
"""Between the tokens of JSON: enough to be readable, too little for a model to lose itself in."""
_GBNF_RULE = re.compile(r"^[ \t]*[\w-]+[ \t]*::=", re.MULTILINE)
_EMBEDDED = re.compile(r"%json\s*(?=\{)")
_META = frozenset(r"\.+*?()|[]{}^$/")


def grammar_of(constraint: Constraint) -> str:
    """What LLMatcher takes. Raises GrammarError."""
    try:
        return _WRITERS[constraint.kind](constraint)
    except RecursionError as error:
        raise GrammarError("it is nested too deeply") from error


def _json_schema(constraint: Constraint) -> str:
    schema = _decoded(constraint.text)
    if schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise GrammarError("a JSON schema is an object")
    schema = _prepared(schema, constraint)
    return LLMatcher.grammar_from_json_schema(schema, overrides=_json_options(constraint, schema))


def _json_object(constraint: Constraint) -> str:
    return LLMatcher.grammar_from_json_schema(
        {"type": "object"}, overrides=_json_options(constraint, {})
    )


def _regex(constraint: Constraint) -> str:
    return LLMatcher.grammar_from_regex(constraint.text)


def _choice(constraint: Constraint) -> str:
    try:
        choices = msgspec.json.decode(constraint.text, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GrammarError(f"choices are a list of strings: {error}") from error
    return LLMatcher.grammar_from_regex("|".join(map(_literal, choices)))


def _literal(text: str) -> str:
    """A regex for exactly this text."""
    return "".join([_character(c) for c in text])


def _character(char: str) -> str:
    if char in _META:
        return "\\" + char
    return char if char.isprintable() else f"\\x{{{ord(char):X}}}"


def _grammar(constraint: Constraint) -> str:
    text = constraint.text
    if _GBNF_RULE.search(text):
        try:
            text = gbnf_to_lark(text)
        except GbnfToLarkError as error:
            raise GrammarError(str(error)) from error
        except Exception as error:  # its parser knows more ways to fail than its own error
            raise GrammarError(f"the GBNF grammar cannot be read: {error}") from error
    return LLMatcher.grammar_from_lark(_with_json_options(text, constraint))


def _structural_tag(constraint: Constraint) -> str:
    lark = structural_tag_to_lark(_decoded(constraint.text))
    return LLMatcher.grammar_from_lark(_with_json_options(lark, constraint))


_WRITERS: Mapping[Kind, Callable[[Constraint], str]] = {
    "json_schema": _json_schema,
    "json_object": _json_object,
    "regex": _regex,
    "choice": _choice,
    "grammar": _grammar,
    "structural_tag": _structural_tag,
}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise GrammarError(f"it is not JSON: {error}") from error


def _json_options(
    constraint: Constraint, schema: object, *, is_lenient: bool = False
) -> "JsonCompileOptions":
    """Nothing that a schema asks for is ever ignored, whatever the schema itself says. Raises GrammarError."""
    options: JsonCompileOptions = {
        "lenient": False,
        "coerce_one_of": False,
        "json_allowed_escapes": allowed_escapes(schema, is_lenient=is_lenient),
    }
    if constraint.disable_any_whitespace:
        options["whitespace_flexible"] = False
    else:
        options["whitespace_pattern"] = constraint.whitespace_pattern or WHITESPACE
    return options


def _prepared(schema: dict[str, Any], constraint: Constraint) -> dict[str, Any]:
    """Without a say in how it is enforced, in keywords and formats that the engine knows."""
    _refuse_counted_names(schema)
    known = rewritten(rewritten(schema, without_lookahead), with_formats)
    exact = with_known_keywords(known)
    closed = rewritten(exact, _closed) if constraint.disable_additional_properties else exact
    return {key: value for key, value in closed.items() if key != "x-guidance"}


def _refuse_counted_names(schema: Any) -> None:
    """The engine counts members, and one whose name comes twice is one to a parser."""
    for part in parts(schema):
        least, required = part.get("minProperties"), part.get("required")
        num_required = len(required) if isinstance(required, list) else 0
        if isinstance(least, int) and least > max(1, num_required):
            raise GrammarError("minProperties above 1 is not supported: a name might come twice")


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """An object that lists its properties has no others, unless it says so."""
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        return {**schema, "additionalProperties": False}
    return schema


def _with_json_options(lark: str, constraint: Constraint) -> str:
    """The same for schemas within grammars, whose writer may say otherwise in the engine's own words.

    One that cannot be read is left for the compiler to refuse.
    """
    decoder, texts, end = json.JSONDecoder(), list[str](), 0
    for found in _EMBEDDED.finditer(lark):
        if found.start() < end:
            continue
        try:
            schema, after = decoder.raw_decode(lark, found.end())
        except ValueError:
            continue
        given = _given_options(schema)
        is_lenient = bool(given.get("lenient"))
        schema = schema if is_lenient else _prepared(schema, constraint)
        options = {**_json_options(constraint, schema, is_lenient=is_lenient), **given}
        schema["x-guidance"] = options
        texts += [lark[end : found.end()], json.dumps(schema)]
        end = after
    return "".join([*texts, lark[end:]])


def _given_options(schema: dict[str, Any]) -> dict[str, Any]:
    given = schema.get("x-guidance")
    return given if isinstance(given, dict) else {}
