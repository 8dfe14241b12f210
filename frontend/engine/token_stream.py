"""One request as its reader sees it: Updates, poured or iterated over. Knows no socket and no other stream."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import msgspec

from penstock.frontend.engine.errors import RefusedError
from penstock.frontend.engine.mailbox import Mailbox, Update
from penstock.frontend.engine.meter import StreamMeter
from penstock.frontend.engine.spec import GenerateSpec
from penstock.protocol import token_ids
from penstock.protocol.errors import PenstockError
from penstock.protocol.messages import Delta, FinishReason, Generate, RefusalCode
from penstock.protocol.sampling import SamplingParams

MAX_ATTEMPT = 2
"""A request that was running when a third engine died is not sent to a fourth."""


Take = Callable[[Update], bool]
"""Whether it takes more."""


def _take_nothing(_: Update) -> bool:
    return False


class Desk(Protocol):
    """Whoever carries streams to the engine."""

    def enter(self, stream: "TokenStream") -> None: ...

    def leave(self, stream: "TokenStream") -> None: ...


class TokenStream:
    """`async with client.generate(spec) as stream: await stream.pour(take)`

    Nothing is sent before the context is entered; leaving it before the end aborts the request.
    Pouring raises RefusedError, EngineGoneError or BrokenStreamError; what came before is given first.
    """

    def __init__(self, spec: GenerateSpec, desk: Desk, meter: StreamMeter) -> None:
        self.spec = spec
        self.id = 0
        """Its present name on the wire; a new one for each engine."""
        self.was_sent = False
        self.attempt = 0
        self._desk = desk
        self._meter = meter
        self._mailbox = Mailbox(spec.emitted)
        self._opened_s = 0.0
        self._error: PenstockError | None = None
        self._raised: Exception | None = None
        self._take: Take = _take_nothing
        self._waiter: asyncio.Future[None] | None = None
        self._left_as = FinishReason.ABORT

    # ---- the reader's side

    async def __aenter__(self) -> Self:
        self._opened_s = time.monotonic()
        self._meter.begin(self.spec)
        self._desk.enter(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._desk.leave(self)
        self._meter.end(self._end_reason())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        updates: list[Update] = []

        def take_one(update: Update) -> bool:
            updates.append(update)
            return False

        await self.pour(take_one)
        if not updates:
            raise StopAsyncIteration
        return updates[0]

    async def pour(self, take: Take) -> None:
        """Calls `take` with each update the moment it comes, until that answers False or had the last one.

        No task wakes in between. What comes after a False merges until `pour` is called again. Raises what
        `take` raises, too.
        """
        self._take = take
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            self._hand_over()
            await self._waiter
        finally:
            self._waiter = None
        if self._raised is not None:
            raise self._raised

    def stop(self) -> None:
        """The reader has all it wants (a stop string): leaving now counts as a stop, not as an abort."""
        self._left_as = FinishReason.STOP

    # ---- the engine's side

    @property
    def is_running(self) -> bool:
        """Whether an engine may still be at work on it."""
        return self.was_sent and self._mailbox.finish is None

    @property
    def num_tokens(self) -> int:
        """That came so far."""
        return self._mailbox.num_tokens

    @property
    def is_complete(self) -> bool:
        """Whether the reader left because it has all it wants."""
        return self._left_as is FinishReason.STOP

    def deliver(self, delta: Delta, now_s: float) -> None:
        """Raises BrokenStreamError, after which the stream takes no more."""
        if self._waiter is not None and not self._waiter.done():
            update = self._mailbox.pass_on(delta)
            if update is not None:
                self._meter.tokens(len(update.token_ids), now_s, 0)
                self._give(self._waiter, update)
                return
        num_new = self._mailbox.push(delta)
        if num_new:
            self._meter.tokens(num_new, now_s, delta.num_cached)
        self._hand_over()

    def fail(self, error: PenstockError) -> None:
        assert self._error is None
        assert self._mailbox.finish is None, "an ended stream is in no table"
        self._error = error
        self._hand_over()

    def begin(self) -> Generate:
        """The message that starts this stream, or continues it. Raises RefusedError when it is late."""
        deadline_s = self.deadline_left_s()
        self._mailbox.expect_restart()
        self.was_sent = True
        spec = self.spec
        return Generate(
            id=self.id,
            prompt=spec.prompt,
            params=self._params_left(),
            emitted=self._mailbox.output,
            priority=spec.priority,
            cache_salt=spec.cache_salt,
            tenant=spec.tenant,
            deadline_s=deadline_s,
            name=spec.name,
            attempt=self.attempt,
            reservation=spec.reservation,
            answer_id=spec.answer_id,
            received_s=spec.arrived_s,
            tokenized_s=spec.tokenized_s,
            sent_s=time.monotonic(),
        )

    def deadline_left_s(self) -> float:
        """Seconds for the first token yet to come; 0 is no deadline. Raises RefusedError when none are left."""
        if not self.spec.deadline_s or self._mailbox.num_tokens:
            return 0.0
        left_s = self._opened_s + self.spec.deadline_s - time.monotonic()
        if left_s <= 0:
            raise RefusedError(
                RefusalCode.DEADLINE, f"no engine began this within {self.spec.deadline_s:g} s"
            )
        return left_s

    def charge(self) -> None:
        """An engine died with this stream running. Raises RefusedError when that is once too often."""
        self.attempt += 1
        if self.attempt > MAX_ATTEMPT:
            raise RefusedError(
                RefusalCode.POISONED, f"{self.attempt} engines died while running this request"
            )

    def _params_left(self) -> SamplingParams:
        """Without the prompt's log probabilities, once they are here: they are never computed twice."""
        params = self.spec.params
        complete = self._mailbox.num_prompt_rows >= token_ids.count(self.spec.prompt) - 1
        if params.prompt_logprobs is None or not complete:
            return params
        return msgspec.structs.replace(params, prompt_logprobs=None)

    def _hand_over(self) -> None:
        """Gives the reader what is here, if it waits for it, and wakes it when it has had enough or all."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._mailbox.has_news:
            self._give(waiter, self._mailbox.take())
        if not waiter.done() and self._mailbox.finish is not None:
            waiter.set_result(None)
        elif not waiter.done() and self._error is not None:
            self._raised = self._error
            waiter.set_result(None)

    def _give(self, waiter: asyncio.Future[None], update: Update) -> None:
        try:
            wants_more = self._take(update)
        except Exception as error:
            self._raised = error
            wants_more = False
        if not wants_more:
            waiter.set_result(None)

    def _end_reason(self) -> FinishReason:
        if self._error is not None:
            return FinishReason.ERROR
        return self._mailbox.finish or self._left_as
