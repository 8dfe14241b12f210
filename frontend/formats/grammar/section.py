"""One section of calls as a grammar: what stands behind an opener, and the closer. Knows no answer around it."""

from collections.abc import Sequence

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.grammar.rules import Rules, quoted
from penstock.frontend.formats.tools import ToolSpec

MAX_CALLS = 64
SPACE = r"(/[ \n]{1,8}/)?"


def one_call(rules: Rules, declared: ToolFormat, tools: Sequence[ToolSpec]) -> list[str]:
    """Expressions for a call to each of the tools. Raises GrammarError."""
    return [declared.shapes[0].grammar(rules, tool) for tool in tools]


def calls_behind(rules: Rules, declared: ToolFormat, call: str, further: int) -> str:
    """What one opener may have behind it, up to a closer."""
    further = further if declared.together else 0
    if declared.in_list in ("should", "must"):
        items = repeated(call, f"{quoted(',')} {SPACE}", further)
        return f"{SPACE} {quoted('[')} {SPACE} {items} {SPACE} {quoted(']')}"
    return repeated(call, rules.literal(declared.between), further)


def closer(rules: Rules, declared: ToolFormat) -> str:
    """The one that is written, if any is."""
    return rules.literal(declared.closes[0]) if declared.closes and declared.closed else ""


def repeated(item: str, separator: str, further: int) -> str:
    return f"{item} ({separator} {item}){{0,{further}}}" if further else item


def joined(*parts: str) -> str:
    """One after the other."""
    return " ".join(filter(None, parts))
