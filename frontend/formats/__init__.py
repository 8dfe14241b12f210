"""How models write content, reasoning and tool calls down, and how that is taken apart. Knows no HTTP."""

from penstock.frontend.formats.answer_format import AnswerFormat, begins_in_reasoning
from penstock.frontend.formats.declarations import ReasoningFormat, ToolFormat
from penstock.frontend.formats.detection import reasoning_written_by, tools_written_by
from penstock.frontend.formats.events import (
    CallArguments,
    CallStart,
    Content,
    Event,
    Reasoning,
)
from penstock.frontend.formats.grammar.calls import calls_grammar
from penstock.frontend.formats.grammar.errors import GrammarError
from penstock.frontend.formats.grammar.mixed import mixed_grammar
from penstock.frontend.formats.parser import AnswerParser
from penstock.frontend.formats.registry import reasoning_format, tool_format
from penstock.frontend.formats.tools import ToolSpec

__all__ = [
    "AnswerFormat",
    "AnswerParser",
    "CallArguments",
    "CallStart",
    "Content",
    "Event",
    "GrammarError",
    "Reasoning",
    "ReasoningFormat",
    "ToolFormat",
    "ToolSpec",
    "begins_in_reasoning",
    "calls_grammar",
    "detect",
    "mixed_grammar",
    "reasoning_format",
    "tool_format",
]


def detect(template_source: str) -> AnswerFormat:
    """By what the template contains, never by its name."""
    return AnswerFormat(tools_written_by(template_source), reasoning_written_by(template_source))
