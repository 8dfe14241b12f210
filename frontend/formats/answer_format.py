"""A model's formats together, ready to take answers apart. Knows no template."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.frontend.formats.declarations import ReasoningFormat, ToolFormat
from penstock.frontend.formats.parser import AnswerParser
from penstock.frontend.formats.tools import ToolSpec


@dataclass(frozen=True)
class AnswerFormat:
    """How one model writes its answers. Either may be None: such text is content."""

    tools: ToolFormat | None = None
    reasoning: ReasoningFormat | None = None
    thoughts_begin_in_prompt: bool = False
    """Whether the chat template opens thoughts where they are asked for: the model itself then opens none."""

    @property
    def markers(self) -> frozenset[str]:
        """Texts that must reach the parser even where they are special tokens and those are skipped."""
        none: frozenset[str] = frozenset()
        tools = self.tools.markers if self.tools else none
        return tools | (self.reasoning.markers if self.reasoning else none)

    def parser(
        self,
        tools: Sequence[ToolSpec] = (),
        begins_in_reasoning: bool = False,
        parses_tools: bool = True,
        parses_reasoning: bool = True,
        only_known: bool = False,
    ) -> AnswerParser:
        """For one answer. What is not to be parsed is content; with `only_known`, so are calls to other tools."""
        reasoning = self.reasoning if parses_reasoning else None
        return AnswerParser(
            self.tools if parses_tools else None,
            reasoning,
            {tool.name: tool for tool in tools},
            begins_in_reasoning and reasoning is not None,
            only_known,
        )


def begins_in_reasoning(
    reasoning: ReasoningFormat | None, prompt_text: str, continued: str = ""
) -> bool:
    """Whether what follows the prompt is reasoning.

    `continued` is the text of a final message that is to be continued; elsewhere in the prompt markers are
    somebody's words.
    """
    if reasoning is None:
        return False
    if continued:
        return _last(reasoning.opens, continued) > _last(reasoning.closes, continued)
    end = prompt_text.rstrip()
    if end.endswith(reasoning.opens):
        return True
    return reasoning.implied and not end.endswith(reasoning.closes)


def _last(markers: tuple[str, ...], text: str) -> int:
    return max(text.rfind(marker) for marker in markers)
