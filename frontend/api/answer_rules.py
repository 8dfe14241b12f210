"""How chat answers of the served model are read, and what they are held to. Knows its formats, not one request.

A forced call is a grammar in the model's own format; with `response_format` beside tools that may be called, the
answer is either calls or what the format asks for. Both begin where reasoning ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace as replaced

from msgspec.structs import replace

from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.chat_tools import Choice, Tools
from penstock.frontend.encoding import Prompt
from penstock.frontend.errors import bad_request
from penstock.frontend.formats import (
    AnswerFormat,
    ToolFormat,
    ToolSpec,
    begins_in_reasoning,
    tool_format,
)
from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.text.chat_messages import text_of
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.sampling import SamplingParams

FALLBACK = "hermes"
"""For calls that are forced on a model whose template shows none."""


class AnswerRules:
    """Those of one model."""

    def __init__(self, format: AnswerFormat, tokenizer: Tokenizer) -> None:
        self._format = format
        self._forced = replaced(format, tools=format.tools or tool_format(FALLBACK))
        self._tokenizer = tokenizer

    def reading(self, body: ChatRequest, tools: Tools, prompt: Prompt) -> Reading:
        """How this request's answers are to be read."""
        format = self._forced if tools.choice is Choice.FORCED else self._format
        reasoning, text = format.reasoning, prompt.text or ""
        return Reading(
            format=format,
            tools=tools,
            begins_in_reasoning=begins_in_reasoning(reasoning, text, _continued(body)),
            shows_reasoning=body.include_reasoning is not False,
            end_of_reasoning=self._lone_id(reasoning.closes[0]) if reasoning else None,
        )

    def hold(self, valid: ValidRequest, reading: Reading, budget: int | None) -> ValidRequest:
        """Puts the request's prompts under what its tools and its reasoning ask for. Raises ApiError."""
        held = [self._held(prompt, reading, budget) for prompt in valid.prompts]
        return replace(valid, prompts=held, shown_ids=frozenset(self._shown_ids(reading)))

    def _held(self, prompt: ValidPrompt, reading: Reading, budget: int | None) -> ValidPrompt:
        constraint = _constraint(prompt.params, reading)
        thinking = self._thinking(reading, constraint, _checked(budget, reading.format))
        if constraint is None and thinking is None:
            return prompt
        params = replace(prompt.params, constraint=constraint, thinking=thinking)
        return replace(prompt, params=params)

    def _thinking(
        self, reading: Reading, constraint: Constraint | None, budget: int
    ) -> Thinking | None:
        reasoning = reading.format.reasoning
        if reasoning is None or (constraint is None and budget < 0):
            return None
        return Thinking(
            start_ids=self._ids(reasoning.opens[0]),
            end_ids=self._ids(reasoning.closes[0]),
            begins_inside=reading.begins_in_reasoning,
            budget=budget,
        )

    def _shown_ids(self, reading: Reading) -> Iterator[int]:
        for marker in reading.markers:
            token_id = self._tokenizer.token_id(marker)
            if token_id is not None:
                yield token_id

    def _ids(self, marker: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(marker, add_special_tokens=False))

    def _lone_id(self, marker: str) -> int | None:
        ids = self._ids(marker)
        return ids[0] if len(ids) == 1 else None


def _continued(body: ChatRequest) -> str:
    return text_of(body.messages[-1]) if body.continue_final_message else ""


def calls_grammar(format: ToolFormat, tools: Sequence[ToolSpec], parallel: bool) -> str:
    return " ".join(t.name for t in tools)


def _constraint(params: SamplingParams, reading: Reading) -> Constraint | None:
    """Of the answer's content, of calls, or of either."""
    asked, tools = params.constraint, reading.tools
    if tools.choice is Choice.FORCED:
        assert reading.format.tools is not None
        return Constraint(
            "grammar", calls_grammar(reading.format.tools, tools.callable, tools.parallel)
        )
    return asked


def _checked(budget: int | None, format: AnswerFormat) -> int:
    name = "thinking_token_budget"
    if budget is None or budget == -1:
        return -1
    if budget < -1:
        raise bad_request(
            f"{name} must be a non-negative integer or -1 for unlimited, got {budget}.", name
        )
    if format.reasoning is None:
        raise bad_request(f"{name} needs a model that reasons; see --reasoning-parser.", name)
    return budget
