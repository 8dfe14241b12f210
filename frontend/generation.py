"""Runs a valid request: sequences in the engine, text out of their tokens. Knows no HTTP and no JSON.

A request is `branches`, one for each sequence in the engine. Greedy choices of one prompt would all be
the same, so they are one branch whose pieces are given out once for each choice.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from penstock.frontend.engine import logprob_rows
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.spec import GenerateSpec
from penstock.frontend.engine.token_stream import Take
from penstock.frontend.errors import ApiError
from penstock.frontend.params import nth_seed
from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.repetition import RepetitionDetector
from penstock.frontend.text.detokenizer import detokenizer
from penstock.frontend.text.text_stream import TextDelta, TextStream
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol import token_ids
from penstock.protocol.messages import FinishReason

_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.ABORT: "abort",
}


class Piece(msgspec.Struct, frozen=True, gc=False):
    """What one update brought to one choice."""

    choice: int
    text: str
    num_tokens: int
    """How many of the update's tokens count: fewer than all where a stop string ended the text."""
    update: Update
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    parts: tuple[str, ...] = ()
    """See `TextDelta`."""

    @property
    def token_ids(self) -> list[int]:
        return self.update.token_ids[: self.num_tokens]


class Branch(NamedTuple):
    """One sequence of the engine, and the choices it answers."""

    prompt: ValidPrompt
    choices: range
    spec: GenerateSpec


def branches(request: ValidRequest) -> list[Branch]:
    return [
        branch
        for index, prompt in enumerate(request.prompts)
        for branch in _branches_of(request, prompt, index * request.best_of)
    ]


def _branches_of(request: ValidRequest, prompt: ValidPrompt, first: int) -> list[Branch]:
    params, packed = prompt.params, token_ids.pack(prompt.ids)
    if params.is_greedy:
        choices = range(first, first + request.best_of)
        return [Branch(prompt, choices, _spec(request, packed, prompt, 0))]
    return [
        Branch(prompt, range(first + i, first + i + 1), _spec(request, packed, prompt, i))
        for i in range(request.best_of)
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
        reservation=request.reservation,
        answer_id=request.answer_id,
        tokenized_s=request.tokenized_s,
    )


class Taker(Protocol):
    """Where the pieces of all choices go."""

    def take(self, piece: Piece) -> bool:
        """Called the moment the piece is there; False asks that `ready` be awaited before the next."""
        ...

    async def ready(self) -> None: ...


async def generate(
    request: ValidRequest,
    client: EngineClient,
    tokenizer: Tokenizer,
    taker: Taker,
    past: Sequence[Update] = (),
) -> None:
    """Gives `taker` the pieces of all choices as they come. Cancel it to abort what still runs.

    `past` is what came of a request of one choice before: its pieces are given again, and it goes on from there.
    """
    runs = [_run(branch, request, client, tokenizer, taker, past) for branch in branches(request)]
    assert not past or len(runs) == 1
    if len(runs) == 1:
        await runs[0]
    else:
        await together(runs)


async def together(runs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """The first failure fails all."""
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(
    branch: Branch,
    request: ValidRequest,
    client: EngineClient,
    tokenizer: Tokenizer,
    taker: Taker,
    past: Sequence[Update],
) -> None:
    text = text_stream(branch.prompt, request, tokenizer)
    speaker = Speaker(branch.choices, text, taker, _detector(request))
    if _repeat(past, speaker):
        return
    take = at_intervals(speaker.take, request.stream_interval)
    async with client.generate(_going_on(branch.spec, past)) as stream:
        while not speaker.has_ended:
            await stream.pour(take)
            await taker.ready()
        stream.stop()


def repeater(request: ValidRequest, tokenizer: Tokenizer, taker: Taker) -> "Speaker":
    """Gives `taker` the pieces of what it takes, which came before: it asks no engine for more."""
    (branch,) = branches(request)
    text = text_stream(branch.prompt, request, tokenizer)
    return Speaker(branch.choices, text, taker, _detector(request))


def _repeat(past: Sequence[Update], speaker: "Speaker") -> bool:
    """Whether nothing is left to generate."""
    for update in past:
        speaker.take(update)
    return speaker.has_ended


def _going_on(spec: GenerateSpec, past: Sequence[Update]) -> GenerateSpec:
    if not past:
        return spec
    emitted = token_ids.pack([token for update in past for token in update.token_ids])
    return msgspec.structs.replace(spec, emitted=emitted)


class Speaker:
    """Makes text of one branch's tokens, and says it for each of its choices."""

    def __init__(
        self,
        choices: range,
        text: TextStream,
        taker: Taker,
        detector: RepetitionDetector | None = None,
    ) -> None:
        self.has_ended = False
        self._first, *self._others = choices
        self._text = text
        self._give = taker.take
        self._detector = detector

    def take(self, update: Update) -> bool:
        num_repeating = None if self._detector is None else self._detector.push(update.token_ids)
        piece = _piece(self._first, self._text, update, num_repeating)
        goes_on = self._give(piece)
        for choice in self._others:
            goes_on = self._give(msgspec.structs.replace(piece, choice=choice))
        if piece.finish_reason is not None:
            self.has_ended = True
            return False
        return goes_on


def text_stream(prompt: ValidPrompt, request: ValidRequest, tokenizer: Tokenizer) -> TextStream:
    decoder = detokenizer(
        tokenizer,
        prompt.ids,
        skip_special_tokens=request.skip_special_tokens,
        spaces_between_special_tokens=request.spaces_between_special_tokens,
        shown_ids=request.shown_ids,
    )
    return TextStream(
        decoder,
        request.stop,
        include_stop_str_in_output=request.include_stop,
        min_tokens=prompt.params.min_tokens,
        tells_parts=request.tells_parts,
    )


def _detector(request: ValidRequest) -> RepetitionDetector | None:
    return None if request.repetition is None else RepetitionDetector(request.repetition)


def _piece(
    choice: int, text: TextStream, update: Update, num_repeating: int | None = None
) -> Piece:
    """`num_repeating` tokens complete a repetition, which ends the answer unless it ends there by itself."""
    if update.finish is FinishReason.ERROR:
        raise ApiError(500, "The engine could not finish this request.")
    is_end = update.finish is not None and num_repeating == len(update.token_ids)
    if num_repeating is not None and not is_end:
        return _repetition(choice, text, update, num_repeating)
    delta = text.push(update.token_ids, update.finish)
    if delta.stop is not None:
        return _of(delta, choice, update, "stop", delta.stop)
    if update.finish is None:
        return _of(delta, choice, update)
    return _of(delta, choice, update, _REASONS[update.finish], update.stop_token)


def _repetition(choice: int, text: TextStream, update: Update, num_tokens: int) -> Piece:
    delta = text.push(update.token_ids[:num_tokens], FinishReason.LENGTH)
    reason = "repetition" if delta.stop is None else "stop"
    return _of(delta, choice, update, reason, delta.stop)


def _of(
    delta: TextDelta,
    choice: int,
    update: Update,
    finish_reason: str | None = None,
    stop_reason: int | str | None = None,
) -> Piece:
    num_tokens, parts = delta.num_tokens, delta.parts
    return Piece(choice, delta.text, num_tokens, update, finish_reason, stop_reason, parts)


def at_intervals(take: Take, interval: int) -> Take:
    """Gives `take` the first update at once, then at least `interval` tokens at a time."""
    return take if interval == 1 else _HeldBack(take, interval).take


class _HeldBack:
    def __init__(self, take: Take, interval: int) -> None:
        self._take, self._interval = take, interval
        self._is_first = True
        self._held: list[Update] = []

    def take(self, update: Update) -> bool:
        held = [*self._held, update]
        enough = self._is_first or sum(len(u.token_ids) for u in held) >= self._interval
        if not enough and update.finish is None:
            self._held = held
            return True
        self._is_first, self._held = False, []
        return self._take(held[0] if len(held) == 1 else joined(held))


def joined(updates: Sequence[Update]) -> Update:
    """Of one sequence, one behind the other."""
    last = updates[-1]
    return Update(
        [token for update in updates for token in update.token_ids],
        last.finish,
        last.stop_token,
        logprob_rows.join([u.logprobs for u in updates if u.logprobs]),
        logprob_rows.join([u.prompt_logprobs for u in updates if u.prompt_logprobs]),
        sum(update.num_cached for update in updates),
        sum(update.queued_us for update in updates),
    )
