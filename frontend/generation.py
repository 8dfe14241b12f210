"""Runs a valid request: sequences in the engine, text out of their tokens. Knows no HTTP and no JSON.

A request is `branches`, one for each sequence in the engine. Greedy choices of one prompt would all be
the same, so they are one branch whose pieces are given out once for each choice.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from penstock.frontend.engine import logprob_rows
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.spec import GenerateSpec
from penstock.frontend.errors import ApiError
from penstock.frontend.params import nth_seed
from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.text.detokenizer import detokenizer
from penstock.frontend.text.text_stream import TextStream
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol import token_ids
from penstock.protocol.messages import FinishReason

_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.ABORT: "abort",
}
QUEUED_PIECES_PER_BRANCH = 2
"""Beyond, a slow client's tokens wait in their mailboxes, where they merge."""


class Piece(NamedTuple):
    """What one update brought to one choice."""

    choice: int
    text: str
    num_tokens: int
    """How many of the update's tokens count: fewer than all where a stop string ended the text."""
    update: Update
    finish_reason: str | None = None
    stop_reason: int | str | None = None

    @property
    def token_ids(self) -> list[int]:
        return self.update.token_ids[: self.num_tokens]


class Branch(NamedTuple):
    """One sequence of the engine, and the choices it answers."""

    prompt: ValidPrompt
    choices: range
    spec: GenerateSpec


Pieces = AsyncGenerator[Piece, None]


def branches(request: ValidRequest) -> list[Branch]:
    return [
        branch
        for index, prompt in enumerate(request.prompts)
        for branch in _branches_of(request, prompt, index * request.n)
    ]


def _branches_of(request: ValidRequest, prompt: ValidPrompt, first: int) -> list[Branch]:
    params, packed = prompt.params, token_ids.pack(prompt.ids)
    if params.is_greedy:
        choices = range(first, first + request.n)
        return [Branch(prompt, choices, _spec(request, packed, prompt, 0))]
    return [
        Branch(prompt, range(first + i, first + i + 1), _spec(request, packed, prompt, i))
        for i in range(request.n)
    ]


def _spec(request: ValidRequest, packed: bytes, prompt: ValidPrompt, choice: int) -> GenerateSpec:
    params = prompt.params
    if choice:
        params = msgspec.structs.replace(params, seed=nth_seed(params.seed, choice))
    return GenerateSpec(
        prompt=packed,
        params=params,
        priority=request.priority,
        cache_salt=request.cache_salt,
        tenant=request.tenant,
        deadline_s=request.deadline_s,
        name=request.name,
        arrived_s=request.arrived_s,
    )


def generate(request: ValidRequest, client: EngineClient, tokenizer: Tokenizer) -> Pieces:
    """The pieces of all choices as they come. Close it to abort what still runs."""
    runs = [_run(branch, request, client, tokenizer) for branch in branches(request)]
    return runs[0] if len(runs) == 1 else _merge(runs)


async def _run(
    branch: Branch, request: ValidRequest, client: EngineClient, tokenizer: Tokenizer
) -> Pieces:
    text = _text_stream(branch.prompt, request, tokenizer)
    first, *others = branch.choices
    async with client.generate(branch.spec) as stream:
        async for update in at_intervals(stream, request.stream_interval):
            piece = _piece(first, text, update)
            yield piece
            for choice in others:
                yield piece._replace(choice=choice)
            if piece.finish_reason is not None:
                stream.stop()
                return


def _text_stream(prompt: ValidPrompt, request: ValidRequest, tokenizer: Tokenizer) -> TextStream:
    decoder = detokenizer(
        tokenizer,
        prompt.ids,
        skip_special_tokens=request.skip_special_tokens,
        spaces_between_special_tokens=request.spaces_between_special_tokens,
    )
    return TextStream(
        decoder,
        request.stop,
        include_stop_str_in_output=request.include_stop,
        min_tokens=prompt.params.min_tokens,
    )


def _piece(choice: int, text: TextStream, update: Update) -> Piece:
    if update.finish is FinishReason.ERROR:
        raise ApiError(500, "The engine could not finish this request.")
    delta = text.push(update.token_ids, update.finish)
    if delta.stop is not None:
        return Piece(choice, delta.text, delta.num_tokens, update, "stop", delta.stop)
    if update.finish is None:
        return Piece(choice, delta.text, delta.num_tokens, update)
    reason = _REASONS[update.finish]
    return Piece(choice, delta.text, delta.num_tokens, update, reason, update.stop_token)


def at_intervals(updates: AsyncIterator[Update], interval: int) -> AsyncIterator[Update]:
    """The first update at once, then at least `interval` tokens at a time."""
    return updates if interval == 1 else _held_back(updates, interval)


async def _held_back(updates: AsyncIterator[Update], interval: int) -> AsyncIterator[Update]:
    held: list[Update] = []
    is_first = True
    async for update in updates:
        held.append(update)
        enough = is_first or sum(len(u.token_ids) for u in held) >= interval
        if enough or update.finish is not None:
            yield held[0] if len(held) == 1 else _joined(held)
            is_first, held = False, []


def _joined(updates: Sequence[Update]) -> Update:
    last = updates[-1]
    return Update(
        [token for update in updates for token in update.token_ids],
        last.finish,
        last.stop_token,
        logprob_rows.join([u.logprobs for u in updates if u.logprobs]),
        logprob_rows.join([u.prompt_logprobs for u in updates if u.prompt_logprobs]),
        sum(update.num_cached for update in updates),
    )


async def _merge(runs: Sequence[Pieces]) -> Pieces:
    """Pieces of several branches in the order they come; the first failure fails all."""
    queue: asyncio.Queue[Piece | BaseException | None]
    queue = asyncio.Queue(QUEUED_PIECES_PER_BRANCH * len(runs))
    pumps = [asyncio.create_task(_pump(run, queue)) for run in runs]
    try:
        num_open = len(pumps)
        while num_open:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                num_open -= 1
            else:
                yield item
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(run: Pieces, queue: "asyncio.Queue[Piece | BaseException | None]") -> None:
    async with aclosing(run):
        try:
            async for piece in run:
                await queue.put(piece)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)
