"""The grammar of an answer that is nothing but calls. Knows no shape of a call."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.rules import Rules, either, quoted
from penstock.frontend.formats.tools import ToolSpec

MAX_CALLS = 64
_SPACE = r"(/[ \n]{1,8}/)?"


def calls_grammar(
    declared: ToolFormat,
    tools: Sequence[ToolSpec],
    parallel: bool,
    token_ids: Mapping[str, int] | None = None,
    otherwise: Mapping[str, Any] | None = None,
) -> str:
    """One call to one of the tools, or up to MAX_CALLS if parallel, and then the end.

    With `otherwise`, a JSON schema, an answer of that kind may take the calls' place.

    `token_ids`: the tokenizer's added tokens by their text. They must be complete, for a marker that is
    a token must be written as one, and one that is not must not. Raises GrammarError.
    """
    assert tools, "there is nothing to call"
    try:
        rules = Rules(token_ids or {})
        start = _start(rules, declared, tools, parallel)
        if otherwise is not None:
            start = either((rules.rule(start), rules.json(otherwise, lenient=False)))
        return rules.text(start)
    except RecursionError as error:
        raise GrammarError("the tools' schemas are nested too deeply") from error


def _start(rules: Rules, declared: ToolFormat, tools: Sequence[ToolSpec], parallel: bool) -> str:
    call = rules.rule(either(declared.shapes[0].grammar(rules, tool) for tool in tools))
    further = MAX_CALLS - 1 if parallel else 0
    calls = _calls(rules, declared, call, further if declared.together else 0)
    section = rules.rule(_section(rules, declared, calls))
    between = rules.literal(declared.between)
    sections = _repeated(section, between, 0 if declared.together else further)
    return f"{_SPACE} {sections}"


def _calls(rules: Rules, declared: ToolFormat, call: str, further: int) -> str:
    if declared.in_list in ("should", "must"):
        items = _repeated(call, f"{quoted(',')} {_SPACE}", further)
        return f"{_SPACE} {quoted('[')} {_SPACE} {items} {_SPACE} {quoted(']')}"
    return _repeated(call, rules.literal(declared.between), further)


def _section(rules: Rules, declared: ToolFormat, calls: str) -> str:
    """Behind any opener that is read as one, or without one where calls may come so."""
    opener = either(map(rules.literal, declared.opens)) if declared.opens else ""
    closing = [declared.inner, declared.closes[0]] if declared.closes and declared.closed else []
    parts = (opener, rules.literal(declared.inner), calls, *map(rules.literal, closing))
    section = " ".join(filter(None, parts))
    return either((calls, section)) if declared.bare or declared.enters else section


def _repeated(item: str, separator: str, further: int) -> str:
    return f"{item} ({separator} {item}){{0,{further}}}" if further else item
