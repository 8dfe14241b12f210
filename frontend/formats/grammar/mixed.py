"""The grammar of an answer that may call: text, in which an opener begins a call. Knows no shape of a call.

    answer = text, { opener, calls, closer, text }

Text is free but for the openers: what the parser would read as one must begin a call. It comes as it is spelled,
or as a token of its own; no two pieces of text touch, or an opener might be put together from both.
"""

from collections.abc import Collection, Mapping, Sequence

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.grammar import section
from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.rules import Rules, either, quoted
from penstock.frontend.formats.tools import ToolSpec

_TEXT = "/(?s:.+)/"
_UP_TO = "/(?s:.*)/"


def mixed_grammar(
    declared: ToolFormat,
    tools: Sequence[ToolSpec],
    parallel: bool,
    token_ids: Mapping[str, int],
    in_text: Collection[str] = (),
) -> str:
    """Text with calls to the tools in it; without `parallel`, the end comes behind the first.

    `token_ids` as for `calls_grammar`; those of `in_text` may stand in the text, unless an opener could be made
    with them. Raises GrammarError.
    """
    assert declared.is_marked, "in other formats text cannot be told from calls"
    try:
        rules = Rules(token_ids)
        return rules.text(
            _start(rules, declared, tools, parallel, _free_ids(declared, token_ids, in_text))
        )
    except RecursionError as error:
        raise GrammarError("the tools' schemas are nested too deeply") from error


def _start(
    rules: Rules,
    declared: ToolFormat,
    tools: Sequence[ToolSpec],
    parallel: bool,
    ids: Sequence[int],
) -> str:
    text = f"{rules.terminal(_TEXT)}?"
    further = section.MAX_CALLS - 1 if parallel else 0
    called = rules.rule(either(_sections(rules, declared, tools, text, further)))
    skipped = rules.rule(f"{text} <[{','.join(map(str, ids))}]>") if ids else ""
    if parallel:
        return f"{either(filter(None, (called, skipped)))}* {text}"
    return section.joined(f"{skipped}*" if skipped else "", either((called, text)))


def _sections(
    rules: Rules, declared: ToolFormat, tools: Sequence[ToolSpec], text: str, further: int
) -> list[str]:
    """From the text before an opener to behind the calls."""
    calls = section.one_call(rules, declared, tools)
    behind = _behind_opener(rules, declared, rules.rule(either(calls)), further)
    entered = [
        section.joined(
            _spelled(rules, enter), either(_without(rules, enter, each) for each in calls)
        )
        for enter in declared.enters
    ]
    openers = [_spelled(rules, each) for each in declared.opens]
    openers += [f"{text} {rules.literal(each)}" for each in declared.opens if rules.is_token(each)]
    return [section.joined(either(openers), behind), *entered]


def _behind_opener(rules: Rules, declared: ToolFormat, call: str, further: int) -> str:
    """Whitespace where the model writes some: how much is its own affair."""
    space, closer = section.SPACE if declared.inner else "", section.closer(rules, declared)
    calls = section.calls_behind(rules, declared, call, further)
    return section.joined(space, calls, space if closer else "", closer)


def _spelled(rules: Rules, opener: str) -> str:
    """Text up to the first such opener, letter by letter."""
    return rules.rule(f"{_UP_TO} {quoted(opener)}", "[lazy]")


def _without(rules: Rules, beginning: str, call: str) -> str:
    """What comes behind the beginning of a call."""
    written = rules.literal(beginning)
    if not call.startswith(f"{written} "):
        raise GrammarError(f"this model's format does not begin its calls with {beginning!r}")
    return call.removeprefix(written)


def _free_ids(
    declared: ToolFormat, token_ids: Mapping[str, int], in_text: Collection[str]
) -> list[int]:
    openers = (*declared.opens, *declared.enters)
    free = (text for text in in_text if not any(_may_help_spell(text, each) for each in openers))
    return sorted(token_ids[text] for text in free)


def _may_help_spell(text: str, opener: str) -> bool:
    """Whether the text holds a piece of the opener that its neighbours could complete."""
    pieces = ((opener[:n], opener[-n:]) for n in range(1, len(opener)))
    torn = any(text.endswith(front) or text.startswith(back) for front, back in pieces)
    return torn or text in opener or opener in text
