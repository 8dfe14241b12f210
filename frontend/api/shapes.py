"""What chat and completions answer alike. Knows JSON shapes alone.

Keys that are UNSET do not appear: those are vLLM's own, shown when they were asked for.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.sse import json
from penstock.protocol.metrics import Registry


class Collector(Protocol):
    """Shapes one request's answer."""

    def add(self, piece: Piece) -> None: ...

    def answer(self) -> object: ...


class PromptTokensDetails(msgspec.Struct):
    cached_tokens: int


class CompletionTokensDetails(msgspec.Struct):
    reasoning_tokens: int


class Usage(msgspec.Struct):
    prompt_tokens: int
    total_tokens: int
    completion_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET
    """Of a model that reasons."""


class Tally:
    """Counts a request's tokens as they come."""

    def __init__(self, request: ValidRequest) -> None:
        self._n = request.n
        self._num_prompt = sum(len(prompt.ids) for prompt in request.prompts)
        self._num_cached = 0
        self._num_discarded = 0
        self.by_choice = [0] * request.num_choices

    def add(self, piece: Piece) -> None:
        self.by_choice[piece.choice] += piece.num_tokens
        if piece.choice % self._n == 0:  # a prompt is counted once, whatever n is
            self._num_cached += piece.update.num_cached

    def discard(self, sequence: Sequence[Piece]) -> None:
        """Tokens that were generated and are not answered."""
        self._num_discarded += sum(piece.num_tokens for piece in sequence)

    def usage(self, num_reasoning: int | None = None) -> Usage:
        num_output = sum(self.by_choice) + self._num_discarded
        return Usage(
            self._num_prompt,
            self._num_prompt + num_output,
            num_output,
            PromptTokensDetails(self._num_cached),
            UNSET if num_reasoning is None else CompletionTokensDetails(num_reasoning),
        )

    def record(self, registry: Registry) -> None:
        """The numbers that belong to a whole request; streams record their own."""
        registry.observe("vllm:request_params_n", self._n)
        registry.observe("vllm:request_max_num_generation_tokens", max(self.by_choice))


def json_response(payload: object, status: int = 200) -> web.Response:
    return web.Response(body=json(payload), status=status, content_type="application/json")
