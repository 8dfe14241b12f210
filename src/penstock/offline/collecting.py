"""Puts the pieces of a request's answers together, in the shapes that programs know. Knows no engine."""

import time
from typing import NamedTuple

from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.text import logprobs
from penstock.frontend.text.logprobs import TokenNames
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.offline.outputs import (
    BeamSearchOutput,
    BeamSearchSequence,
    CompletionOutput,
    RequestMetrics,
    RequestOutput,
)


class Shown(NamedTuple):
    """What of an answer was asked for."""

    text: bool = True
    logprobs: bool = False
    prompt_logprobs: bool = False


class Collector:
    """`frontend.api.shapes.Collector` of one prompt's answers."""

    def __init__(self, request: ValidRequest, tokenizer: Tokenizer, shown: Shown) -> None:
        (self._prompt,) = request.prompts
        self._request, self._shown = request, shown
        self._names = TokenNames(tokenizer)
        self._metrics = RequestMetrics(time.time())
        self._num_cached = 0
        self._prompt_logprobs: list[dict[int, logprobs.PromptLogprob] | None] = [None]
        self._texts: list[list[str]] = [[] for _ in range(request.n)]
        self._outputs = [_empty(index, shown) for index in range(request.n)]

    def add(self, piece: Piece) -> None:
        output = self._outputs[piece.choice]
        self._texts[piece.choice].append(piece.text)
        output.token_ids += piece.token_ids
        output.finish_reason, output.stop_reason = piece.finish_reason, piece.stop_reason
        if output.logprobs is not None:
            self._add_logprobs(output, piece)
        if piece.choice == 0:
            self._add_of_prompt(piece)
        self._measure(piece)

    def answer(self) -> RequestOutput:
        if self._shown.text:
            for output, texts in zip(self._outputs, self._texts, strict=True):
                output.text = "".join(texts)
        return RequestOutput(
            request_id=self._request.name,
            prompt=self._prompt.text,
            prompt_token_ids=self._prompt.ids,
            prompt_logprobs=self._prompt_logprobs if self._shown.prompt_logprobs else None,
            outputs=self._outputs,
            finished=all(output.finished() for output in self._outputs),
            metrics=self._metrics,
            num_cached_tokens=self._num_cached,
        )

    def _add_logprobs(self, output: CompletionOutput, piece: Piece) -> None:
        found = piece.update.logprobs
        if found is None or output.logprobs is None:
            return
        rows = logprobs.prompt_logprobs(found, self._names)[: piece.num_tokens]
        output.logprobs += rows
        total = sum(row[token].logprob for row, token in zip(rows, piece.token_ids, strict=True))
        output.cumulative_logprob = (output.cumulative_logprob or 0.0) + total

    def _add_of_prompt(self, piece: Piece) -> None:
        """What a prompt's first answer tells of it holds for all."""
        self._num_cached += piece.update.num_cached
        found = piece.update.prompt_logprobs
        if found is not None and self._shown.prompt_logprobs:
            self._prompt_logprobs += logprobs.prompt_logprobs(found, self._names)

    def _measure(self, piece: Piece) -> None:
        now, metrics = time.monotonic(), self._metrics
        if not metrics.first_token_ts:
            metrics.first_token_ts = now
            metrics.first_token_latency = now - self._request.arrived_s
        metrics.last_token_ts = now
        metrics.num_generation_tokens += piece.num_tokens


def _empty(index: int, shown: Shown) -> CompletionOutput:
    if not shown.logprobs:
        return CompletionOutput(index)
    return CompletionOutput(index, cumulative_logprob=0.0, logprobs=[])


def as_beams(answer: RequestOutput, tokenizer: Tokenizer) -> BeamSearchOutput:
    """As vLLM has it: tokens and text with the prompt's before them."""
    sequences = []
    for output in answer.outputs:
        tokens = answer.prompt_token_ids + output.token_ids
        sequences.append(
            BeamSearchSequence(
                tokens=tokens,
                logprobs=output.logprobs or [],
                cum_logprob=output.cumulative_logprob or 0.0,
                text=tokenizer.decode(tokens),
                finish_reason=output.finish_reason,
                stop_reason=output.stop_reason,
            )
        )
    return BeamSearchOutput(sequences)
