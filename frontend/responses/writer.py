"""Writes one response: its events in order, its items, and at the end the whole. Knows no connection and no store.

The same pieces give the same events with the same numbers, whoever writes them: so another front end can go
on where one died.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from penstock.frontend.api.call_ids import CallIds
from penstock.frontend.api.call_tally import CallTally
from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.errors import ApiError
from penstock.frontend.formats import CallArguments, CallStart, Content, Event, Reasoning
from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.responses.open_items import OpenCall, OpenItem, OpenMessage, OpenReasoning
from penstock.frontend.responses.shapes import (
    IncompleteDetails,
    InputTokensDetails,
    Item,
    OutputTokensDetails,
    Response,
    ResponseFault,
    ResponseUsage,
)
from penstock.frontend.sse import json
from penstock.frontend.text import logprobs
from penstock.frontend.text.logprobs import ChatLogprob, TokenNames
from penstock.frontend.text.tokenizer import Tokenizer


class Frame(NamedTuple):
    """An event as it is sent, and its sequence number."""

    number: int
    data: bytes


def frame(number: int, event: dict[str, Any]) -> Frame:
    """`event` with its number, which is added to it."""
    event["sequence_number"] = number
    head = b"event: " + event["type"].encode() + b"\ndata: "
    return Frame(number, head + json(event) + b"\n\n")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Which log probabilities a request wants to see."""

    logprobs: bool
    num_top: int


class ResponseWriter:
    """One response on its way out; `response` is how far it is."""

    def __init__(
        self,
        response: Response,
        valid: ValidRequest,
        reading: Reading,
        shown: Shown,
        tokenizer: Tokenizer,
    ) -> None:
        self.response = response
        self._reader = reading.reader()
        self.tally = CallTally(valid, (self._reader,), "responses")
        self._call_ids = CallIds(reading.format, response.id)
        self._shown, self._names = shown, TokenNames(tokenizer)
        self._num_frames = 0
        self._items: list[Item] = []
        self._open: OpenItem | None = None
        self._logprobs: list[ChatLogprob] = []
        self._finish_reason: str | None = None

    def opening(self) -> list[Frame]:
        """Before everything else; a background response is queued first."""
        first = [self._state("response.created")]
        if self.response.status == "queued":
            first.append(self._state("response.queued"))
        self.response = replace(self.response, status="in_progress")
        return [*first, self._state("response.in_progress")]

    def piece(self, piece: Piece) -> list[Frame]:
        """With the last one all items are closed."""
        self.tally.add(piece)
        if piece.update.logprobs is not None and self._shown.logprobs:
            self._logprobs += logprobs.chat_logprobs(
                piece.update.logprobs, self._names, self._shown.num_top, piece.num_tokens
            )
        frames = [frame for event in self._reader.read(piece) for frame in self._event(event)]
        if piece.finish_reason is not None:
            self._finish_reason = piece.finish_reason
            frames += self._end()
        return frames

    def closing(self, now_s: float) -> list[Frame]:
        """After the last piece."""
        end: dict[str, Any] = {"status": "completed", "completed_at": int(now_s)}
        if self._finish_reason == "length":
            end = {
                "status": "incomplete",
                "incomplete_details": IncompleteDetails("max_output_tokens"),
            }
        self.response = replace(self.response, **end, usage=self._usage())
        return [self._state(f"response.{self.response.status}")]

    def failing(self, error: ApiError) -> list[Frame]:
        """In place of `closing`; what there is of the output stays."""
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"
        self.response = replace(
            self.response,
            status="failed",
            output=self._items,
            error=ResponseFault(code, str(error)),
        )
        return [self._state("response.failed")]

    def leaving(self) -> None:
        """Nobody listens any more: what there is of the output stays."""
        self._close("incomplete")
        self.response = replace(self.response, status="cancelled", output=self._items)

    def ended(self, status: str, response: bytes) -> Frame:
        """The last event as it was, from the response as it was then written down."""
        return self._frame({"type": f"response.{status}", "response": msgspec.Raw(response)})

    # ---- items

    def _event(self, event: Event) -> list[Frame]:
        match event:
            case Content(text):
                frames = self._turn(OpenMessage)
                found, self._logprobs = self._logprobs, []
            case Reasoning(text):
                frames, found = self._turn(OpenReasoning), []
                self._logprobs = []
            case CallStart(index, name):
                call_id = self._call_ids(index, name)
                return self._begin(OpenCall(self.response.id, self._next_index, call_id, name))
            case CallArguments(_, text):
                frames, found = [], []
                self._logprobs = []
        assert self._open is not None, "arguments follow the start of their call"
        return frames + self._framed(self._open.add(text, found))

    def _turn(self, kind: type[OpenMessage | OpenReasoning]) -> list[Frame]:
        if isinstance(self._open, kind):
            return []
        return self._begin(kind(self.response.id, self._next_index))

    @property
    def _next_index(self) -> int:
        return len(self._items) + (self._open is not None)

    def _begin(self, item: OpenItem) -> list[Frame]:
        """Whatever is open ends here."""
        frames = self._close("completed")
        self._open = item
        return frames + self._framed(item.opening())

    def _close(self, status: str) -> list[Frame]:
        item, self._open = self._open, None
        if item is None:
            return []
        frames = self._framed(item.closing(status))
        self._items.append(item.item)
        return frames

    def _end(self) -> list[Frame]:
        """An answer of nothing is an empty message."""
        frames = [] if self._open or self._items else self._turn(OpenMessage)
        frames += self._close("incomplete" if self._finish_reason == "length" else "completed")
        self.response = replace(self.response, output=self._items)
        return frames

    # ---- frames

    def _framed(self, events: Sequence[dict[str, Any]]) -> list[Frame]:
        return [self._frame(event) for event in events]

    def _state(self, kind: str) -> Frame:
        return self._frame({"type": kind, "response": self.response})

    def _frame(self, event: dict[str, Any]) -> Frame:
        self._num_frames += 1
        return frame(self._num_frames - 1, event)

    def _usage(self) -> ResponseUsage:
        usage = self.tally.usage()
        num_input, num_output = usage.prompt_tokens, usage.completion_tokens
        cached = min(num_input, usage.prompt_tokens_details.cached_tokens)
        return ResponseUsage(
            num_input,
            InputTokensDetails(cached),
            num_output,
            OutputTokensDetails(self._reader.num_reasoning),
            num_input + num_output,
        )
