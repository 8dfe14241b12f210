"""The grammar of an answer that is nothing but calls. Knows no shape of a call."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.grammar import section
from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.rules import Rules, either
from penstock.frontend.formats.tools import ToolSpec


def calls_grammar(
    declared: ToolFormat,
    tools: Sequence[ToolSpec],
    parallel: bool,
    token_ids: Mapping[str, int] | None = None,
    otherwise: Mapping[str, Any] | None = None,
) -> str:
    """One call to one of the tools, or up to `section.MAX_CALLS` if parallel, and then the end.

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
    call = rules.rule(either(section.one_call(rules, declared, tools)))
    further = section.MAX_CALLS - 1 if parallel else 0
    calls = section.calls_behind(rules, declared, call, further)
    first = _section(rules, declared, calls, declared.opens)
    if declared.together or not further:
        return f"{section.SPACE} {first}"
    opens_there = [each for each in declared.opens if each == each.lstrip()]  # blanks end a call
    next_one = rules.rule(_section(rules, declared, calls, opens_there))
    more = section.joined(rules.literal(declared.between), next_one)
    return f"{section.SPACE} {first} ({more}){{0,{further}}}"


def _section(rules: Rules, declared: ToolFormat, calls: str, opens: Sequence[str]) -> str:
    """Behind any of these openers, or without one where calls may come so."""
    inner, closer = rules.literal(declared.inner), section.closer(rules, declared)
    opener = either(map(rules.literal, opens)) if opens else ""
    whole = section.joined(opener, inner, calls, inner if closer else "", closer)
    return either((calls, whole)) if declared.bare or declared.enters else whole
