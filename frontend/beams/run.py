"""Runs beam searches: each step asks the engine for one token of every beam. Knows no HTTP and no rule of the search.

The prefix cache makes a step cheap: of a beam, the engine computes what lies behind its last full block.
"""

import asyncio
import struct
import time

from msgspec.structs import replace

from penstock.frontend.beams.asked import Beams
from penstock.frontend.beams.search import Beam, BeamSearch, Continuations
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.engine.errors import RefusedError
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.meter import SilentMeter, StreamMeter
from penstock.frontend.engine.spec import GenerateSpec
from penstock.frontend.errors import RETRY_SOON_S, ApiError
from penstock.frontend.generation import Speaker, Taker, joined, text_stream, together
from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.text import logprobs
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol import token_ids
from penstock.protocol.messages import FinishReason, RefusalCode, TokenLogprobs
from penstock.protocol.sampling import SamplingParams


async def search(
    request: ValidRequest, client: EngineClient, tokenizer: Tokenizer, taker: Taker
) -> None:
    """As `generation.generate`, for a request that wants beams. Cancel it to abort what still runs."""
    assert request.beams is not None
    searches = [_Search(request, request.beams, prompt, client) for prompt in request.prompts]
    await together([each.run() for each in searches])
    for index, each in enumerate(searches):
        for choice, update in enumerate(each.answers(), index * request.n):
            text = text_stream(each.prompt, request, tokenizer)
            Speaker(range(choice, choice + 1), text, taker).take(update)


class _Search:
    """The search behind one prompt; to the metrics it is one request, whatever it takes."""

    def __init__(
        self, request: ValidRequest, beams: Beams, prompt: ValidPrompt, client: EngineClient
    ) -> None:
        self.prompt = prompt
        self._request, self._client = request, client
        self._search = BeamSearch(beams.rules(prompt.params))
        self._params = _step_params(prompt.params, self._search.rules.num_continuations)
        self._packed = {id(root): token_ids.pack(prompt.ids) for root in self._search.running}
        self._first: Update | None = None
        """Of the step that computed the prompt."""

    async def run(self) -> None:
        meter, reason = self._client.meter(), FinishReason.ERROR
        meter.begin(self._spec(self._search.running[0], self.prompt.params))
        try:
            while not self._search.is_done:
                await self._step(meter)
            reason = FinishReason.STOP
        except asyncio.CancelledError:
            reason = FinishReason.ABORT
            raise
        finally:
            meter.end(reason)

    def answers(self) -> list[Update]:
        """The best beams, each as if it had come at once."""
        best = self._search.best(self._request.n)
        if self._first is None or len(best) < self._request.n:
            raise ApiError(500, "The engine could not finish this request.")
        return [self._answer(beam, self._first) for beam in best]

    async def _step(self, meter: StreamMeter) -> None:
        beams = self._search.running
        updates: list[Update | None] = [None] * len(beams)

        async def ask(index: int) -> None:
            updates[index] = await self._ask(beams[index])

        await together([ask(index) for index in range(len(beams))])
        came = [update for update in updates if update is not None]
        self._first = self._first or came[0]
        meter.tokens(1, time.monotonic(), came[0].num_cached)
        self._search.advance([_continuations(update) for update in came])
        self._packed = {
            id(beam): self._packed[id(beam.parent)] + token_ids.pack([beam.token])
            for beam in self._search.running
        }

    async def _ask(self, beam: Beam) -> Update:
        """A search that has begun is not given up because the engine is full for a while."""
        params = self._params
        if self._first is None:
            params = replace(params, prompt_logprobs=self.prompt.params.prompt_logprobs)
        while True:
            try:
                return await self._one_token(self._spec(beam, params))
            except RefusedError as error:
                if self._first is None or error.code is not RefusalCode.OVERLOADED:
                    raise
                await asyncio.sleep(error.retry_after_s or RETRY_SOON_S)

    async def _one_token(self, spec: GenerateSpec) -> Update:
        async with self._client.generate(spec, SilentMeter()) as stream:
            updates = [update async for update in stream]
        if updates[-1].finish is FinishReason.ERROR:
            raise ApiError(500, "The engine could not finish this request.")
        return joined(updates)

    def _spec(self, beam: Beam, params: SamplingParams) -> GenerateSpec:
        request, is_first = self._request, self._first is None
        return GenerateSpec(
            prompt=self._packed[id(beam)],
            params=params,
            priority=request.priority,
            cache_salt=request.cache_salt,
            tenant=request.tenant,
            deadline_s=request.deadline_s if is_first else 0.0,
            name=request.name,
            arrived_s=request.arrived_s,
            reservation=request.reservation,
            answer_id=request.answer_id,
            tokenized_s=request.tokenized_s,
        )

    def _answer(self, beam: Beam, first: Update) -> Update:
        path, params = beam.path(), self.prompt.params
        return Update(
            [step.token for step in path],
            FinishReason.STOP if self._search.ends(beam) else FinishReason.LENGTH,
            beam.token if beam.token in params.stop_token_ids else None,
            None if params.logprobs is None else _logprobs(path, params.logprobs),
            first.prompt_logprobs,
            first.num_cached,
            first.queued_us,
        )


def _step_params(params: SamplingParams, num_continuations: int) -> SamplingParams:
    """One token, greedily: what matters is its likeliest alternatives."""
    top = params.logprobs or 0
    return SamplingParams(
        max_tokens=1,
        temperature=0.0,
        logprobs=top if top == logprobs.ALL else max(top, num_continuations),
    )


def _continuations(update: Update) -> Continuations:
    if update.logprobs is None:
        raise ApiError(500, "The engine could not finish this request.")
    (row,) = logprobs.rows(update.logprobs)
    return Continuations(row.ids[1:], row.values[1:])


def _logprobs(path: list[Beam], num_top: int) -> TokenLogprobs:
    """As the engine reports a sequence: each token, then the likeliest at its position."""
    num_shown = len(path[0].choices.ids) if num_top == logprobs.ALL else num_top
    ids: list[int] = []
    values: list[float] = []
    for step in path:
        ids += [step.token, *step.choices.ids[:num_shown]]
        values += [step.choices.logprobs[step.place], *step.choices.logprobs[:num_shown]]
    ranks = [step.place + 1 for step in path]
    packed = struct.pack(f"<{len(values)}f", *values)
    return TokenLogprobs(1 + num_shown, token_ids.pack(ids), packed, token_ids.pack(ranks))
