"""How chat answers of the served model are read, and what they are held to. Knows its formats, not one request.

A forced call is a grammar in the model's own format; with `response_format` beside tools that may be called, the
answer is either calls or what the format asks for; with a strict tool that may be called, it is text with calls in
it. All begin where reasoning ends.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace as replaced
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest, wanted
from penstock.frontend.api.chat_tools import Choice, Tools
from penstock.frontend.encoding import Prompt
from penstock.frontend.errors import bad_request
from penstock.frontend.formats import (
    AnswerFormat,
    GrammarError,
    begins_in_reasoning,
    calls_grammar,
    mixed_grammar,
    tool_format,
)
from penstock.frontend.params import Wanted
from penstock.frontend.structured import constraint_of
from penstock.frontend.text.chat_messages import text_of
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.constraint import Constraint, Thinking

FALLBACK = "hermes"
"""For calls that are forced on a model whose template shows none."""

MAX_BUDGET = (1 << 31) - 1


class AnswerRules:
    """Those of one model."""

    def __init__(self, format: AnswerFormat, tokenizer: Tokenizer) -> None:
        self._format = format
        self._forced = replaced(format, tools=format.tools or tool_format(FALLBACK))
        self._tokenizer = tokenizer

    def reading(self, body: ChatRequest, tools: Tools, prompt: Prompt) -> Reading:
        """How this request's answers are to be read."""
        format = self._forced if tools.choice is Choice.FORCED else self._format
        inside = begins_in_reasoning(format.reasoning, prompt.text or "", _continued(body))
        own_template = body.chat_template is not None
        return Reading(
            format=format,
            tools=tools,
            begins_in_reasoning=inside,
            may_think=inside or own_template or not format.thoughts_begin_in_prompt,
            shows_reasoning=body.include_reasoning is not False,
        )

    def wanted(self, body: ChatRequest, reading: Reading) -> Wanted:
        """How much output, which log probabilities, and what to hold it to. Raises ApiError."""
        budget = _checked(body.thinking_token_budget, reading.format)
        of_content = constraint_of(body)
        constraint = self._constraint(of_content, _field(body), reading)
        comes_before = reading.may_think or bool(reading.prefaces)
        is_needed = budget >= 0 if constraint is None else comes_before
        thinking = self._thinking(reading, is_needed=is_needed)
        return replace(
            wanted(body),
            constraint=constraint,
            leaves_text=of_content is None and reading.holds_calls,
            thinking=thinking and replace(thinking, budget=budget),
        )

    def shown_ids(self, reading: Reading) -> frozenset[int]:
        """Special tokens that have to reach the parser."""
        added = self._tokenizer.added_ids
        return frozenset(added[marker] for marker in reading.markers if marker in added)

    def _constraint(
        self, of_content: Constraint | None, field: str, reading: Reading
    ) -> Constraint | None:
        """Of the answer's content, of calls, or of either."""
        if reading.tools.choice is Choice.FORCED:
            _refuse_beside_forced(of_content, field)
            return Constraint("grammar", self._grammar(reading, calls_grammar))
        if of_content is None and reading.holds_calls:
            write = partial(mixed_grammar, in_text=self._in_text(reading))
            return Constraint("grammar", self._grammar(reading, write))
        if of_content is None or not reading.reads_calls:
            return of_content
        write = partial(calls_grammar, otherwise=_schema(of_content, field))
        return Constraint(
            "grammar",
            self._grammar(reading, write),
            disable_additional_properties=of_content.disable_additional_properties,
        )

    def _grammar(self, reading: Reading, write: Callable[..., str]) -> str:
        tools, format = reading.tools, reading.format.tools
        assert format is not None, "calls that are held to a grammar have a format"
        try:
            return write(format, tools.callable, tools.parallel, self._tokenizer.added_ids)
        except GrammarError as error:
            raise bad_request(str(error), "tools") from error

    def _in_text(self, reading: Reading) -> list[str]:
        """Added tokens that may stand in an answer's text: those that decoding would show."""
        added, special = self._tokenizer.added_ids, self._tokenizer.special_ids
        reasoning = reading.format.reasoning
        markers = reasoning.markers if reasoning else frozenset[str]()
        return [text for text, i in added.items() if i not in special or text in markers]

    def _thinking(self, reading: Reading, *, is_needed: bool) -> Thinking | None:
        reasoning = reading.format.reasoning
        if reasoning is None or not is_needed:
            return None
        first, *others = self._all_ids(reasoning.opens)
        return Thinking(
            start_ids=first,
            ends=self._all_ids(reasoning.closes),
            begins_inside=reading.begins_in_reasoning,
            answer_starts=self._all_ids(reading.calls_in_reasoning),
            other_starts=tuple(others),
            prefaces=self._all_ids(reading.prefaces),
        )

    def _all_ids(self, markers: Iterable[str]) -> tuple[tuple[int, ...], ...]:
        encode = self._tokenizer.encode
        return tuple(tuple(encode(marker, add_special_tokens=False)) for marker in markers)


def _continued(body: ChatRequest) -> str:
    return text_of(body.messages[-1]) if body.continue_final_message else ""


def _field(body: ChatRequest) -> str:
    """The one that asks for structured output, if any does."""
    if body.structured_outputs is not None:
        return "structured_outputs"
    format = body.response_format
    return "response_format" if format is not None and format.type != "text" else "guided_json"


def _refuse_beside_forced(of_content: Constraint | None, field: str) -> None:
    """A `response_format` speaks of content alone, of which there is none then."""
    if of_content is not None and field != "response_format":
        raise bad_request(
            f"A {of_content.kind} cannot be combined with a call that tool_choice forces.",
            "tool_choice",
        )


def _schema(of_content: Constraint, field: str) -> dict[str, Any]:
    """Of an answer that is no call. Beside calls, JSON is written as calls write it."""
    for name in ("whitespace_pattern", "disable_any_whitespace"):
        if getattr(of_content, name):
            raise bad_request(f"{name} cannot be combined with tools that may be called.", field)
    match of_content.kind:
        case "json_schema":
            return _decoded(of_content.text, field)
        case "json_object":
            return {"type": "object"}
        case _:
            raise bad_request(
                f"A {of_content.kind} cannot be combined with tools that may be called; "
                "set tool_choice to 'none', or ask for JSON.",
                "tool_choice",
            )


def _decoded(text: str, field: str) -> dict[str, Any]:
    try:
        schema = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"The JSON schema cannot be combined with tools that may be called: {error}"
        raise bad_request(reason, field) from error
    return schema if isinstance(schema, dict) else {"anyOf": [schema]}


def _checked(budget: int | None, format: AnswerFormat) -> int:
    name = "thinking_token_budget"
    if budget is None or budget == -1:
        return -1
    if not 0 <= budget <= MAX_BUDGET:
        raise bad_request(
            f"{name} must be a non-negative integer of at most {MAX_BUDGET}, or -1 for unlimited.",
            *(name, str(budget)[:40]),
        )
    if format.reasoning is None:
        raise bad_request(f"{name} needs a model that reasons; see --reasoning-parser.", name)
    return budget
