"""A front end's dealings with the engine core: requests out, tokens in, across engines that come and go.
Knows neither HTTP nor text.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Iterable
from typing import assert_never

from penstock.frontend.engine.answers import Answers
from penstock.frontend.engine.connection import Connection, Listener
from penstock.frontend.engine.known import KnownEngine
from penstock.frontend.engine.meter import StreamMeter, StreamMetrics
from penstock.frontend.engine.presence import Presence
from penstock.frontend.engine.pulse import Pulse
from penstock.frontend.engine.reservations import Reservation, Reservations, Wish
from penstock.frontend.engine.spec import GenerateSpec
from penstock.frontend.engine.streams import Streams
from penstock.frontend.engine.token_stream import TokenStream
from penstock.protocol import messages
from penstock.protocol.errors import EngineGoneError, SettingsError, WireError
from penstock.protocol.messages import PROTOCOL_VERSION
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings

log = logging.getLogger("penstock.engine")

HELLO_S = 0.25
"""Between two Hellos, until one is answered."""
MEETING_S = 2 * HELLO_S
"""An engine that welcomed another front end welcomes us within so long."""


class EngineClient(KnownEngine):
    """One for each front-end process. `start` on the running loop, `close` before it ends.

    An engine that falls silent, says Goodbye, loses the connection or shows a new epoch is greeted anew,
    and every open stream goes on where it was, in the new engine.
    """

    def __init__(self, settings: FrontendSettings, registry: Registry) -> None:
        if settings.endpoint is None:
            raise SettingsError("--endpoint is missing: where does the engine core listen?")
        super().__init__(Presence(settings.engine_patience_s, time.monotonic()))
        self._endpoint, self._curve_dir = settings.endpoint, settings.curve_dir
        self._registry = registry
        self.frontend_id = settings.frontend_id or f"frontend-{secrets.token_hex(4)}"
        self.epoch = time.time_ns()
        self._stream_metrics = StreamMetrics(registry)
        self._pulse = Pulse(registry)
        self._streams, self._answers = Streams(), Answers()
        self._reservations = Reservations()
        self._ready = asyncio.Event()
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._to_forget: list[int] = []

    @property
    def num_streams(self) -> int:
        return len(self._streams)

    # ---- asking

    def generate(self, spec: GenerateSpec, meter: StreamMeter | None = None) -> TokenStream:
        """A stream to enter with `async with`; only then is anything sent."""
        return TokenStream(spec, self, meter or self.meter())

    def meter(self) -> StreamMeter:
        """For a request that takes more streams than one."""
        return StreamMeter(self._stream_metrics)

    async def control(
        self, verb: messages.ControlVerb, payload: bytes = b"", timeout_s: float = 5.0
    ) -> bytes:
        """Raises EngineGoneError without an engine or an answer, RefusedError when it will not."""
        if not self.is_ready:
            raise EngineGoneError(self.reason_away)
        question = messages.Control(self._streams.draw_id(), verb, payload)
        self._send(question)
        return await self._answers.wait(question.id, timeout_s)

    async def reserve(self, wish: Wish) -> Reservation:
        """A place under the engine's limits, until `settle`. Raises LimitedError, or EngineGoneError."""
        reservation = self._reservations.open(self._streams.draw_id(), wish)
        try:
            if self.is_ready:
                self._send(reservation.message())
            elif self._presence.is_given_up(time.monotonic()):
                self._give_up()
            await reservation.granted()
        except BaseException:
            self.settle(reservation)
            raise
        return reservation

    def settle(self, reservation: Reservation) -> None:
        """It is over: the engine gives back what was not used."""
        self._reservations.close(reservation)
        if self.is_ready:
            self._send(messages.Settle([reservation.id]))
        else:
            self._reservations.settle_later(reservation)

    def enter(self, stream: TokenStream) -> None:
        """Desk: sends the stream now, or when an engine comes."""
        self._streams.add(stream)
        if self.is_ready:
            self._send_all(self._streams.begin(stream))
        elif self._presence.is_given_up(time.monotonic()):
            self._give_up()

    def leave(self, stream: TokenStream) -> None:
        """Desk: the reader is done with it; the engine forgets it within a step."""
        self._streams.remove(stream)
        if stream.spec.reservation:
            self._reservations.done(stream.spec.reservation, stream.num_tokens)
        if not stream.is_running:
            return
        if self.is_ready:
            self._send(messages.Abort([stream.id], stream.is_complete))
        else:
            self._to_forget.append(stream.id)

    # ---- life

    async def start(self) -> None:
        """Begins to look for the engine; returns at once."""
        identity = f"{self.frontend_id}/{self.epoch}".encode()
        listener = Listener(self._hello, self._broken, self._handle, self._garbage)
        self._connection = Connection(self._endpoint, identity, self._curve_dir, listener)
        self._beat()

    async def wait_ready(self, timeout_s: float) -> None:
        """Raises EngineGoneError when no engine welcomes us by then."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        except TimeoutError as error:
            raise EngineGoneError(self.reason_away) from error

    async def meet(self) -> None:
        """Returns once an engine is here, and after MEETING_S if none is.

        Front ends of one port are welcomed one after the other: a client who saw that one of them is ready may
        be led to another.
        """
        if self.is_ready:
            return
        with contextlib.suppress(EngineGoneError):
            await self.wait_ready(MEETING_S)
        if self._connection is not None and not self.is_ready:
            self._connection.receive()  # on a busy machine the time may be up before it was looked for

    async def close(self, reason: str = "the front end ends") -> None:
        """Leaves the engine; open streams fail. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        connection.send(messages.Leave(reason))
        connection.close()
        if self.is_ready:
            self._presence.lose(reason, time.monotonic())
        self._give_up()

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._beat)
        assert self._connection is not None
        self._connection.receive()  # what lies there unread is a sign of life
        now_s = time.monotonic()
        if self.is_ready and self._presence.is_silent(now_s):
            self._lose(f"the engine has been silent for {self._presence.age_s(now_s):.1f} s")
        if self.is_ready:
            self._send(self._pulse.ping())
        else:
            self._hello()
            self._streams.expire()
            if self._presence.is_given_up(now_s):
                self._give_up()

    @property
    def _interval_s(self) -> float:
        return self.limits.heartbeat_s if self.is_ready and self.limits else HELLO_S

    def _hello(self) -> None:
        if not self.is_ready:
            self._send(messages.Hello(PROTOCOL_VERSION, self.frontend_id, self.epoch))

    # ---- what the engine says

    def _handle(self, message: messages.Down) -> None:
        now_s = time.monotonic()
        self._presence.hear(now_s)
        match message:
            case messages.Tokens():
                self._streams.deliver(message, now_s)
            case messages.Pong():
                self._presence.stats = message.stats
            case messages.Welcome():
                self._welcome(message)
            case messages.Result():
                self._answers.answer(message)
            case messages.Refused():
                self._refuse(message)
            case messages.Goodbye():
                self._part(message.reason)
            case messages.Verdict():
                self._reservations.answer(message)
            case _:
                assert_never(message)

    def _welcome(self, message: messages.Welcome) -> None:
        if self._presence.is_known(message):
            self._presence.limits = message.limits
            return
        if message.protocol_version != PROTOCOL_VERSION:
            self._presence.reason_away = f"the engine speaks protocol {message.protocol_version}"
            return
        if self.is_ready:
            self._lose("another engine took its place")
        engine_died = self._presence.welcome(message)
        log.info("engine %d serves %s", message.engine_epoch, message.card.name)
        self._pulse.forget()
        self._send(self._pulse.ping())
        self._resume(engine_died)
        self._ready.set()

    def _resume(self, engine_died: bool) -> None:
        num_tokens = self._streams.num_tokens()
        settled, reserves = self._reservations.hand_over(num_tokens, engine_died)
        stale, generates = self._streams.hand_over(engine_died)
        stale += self._to_forget
        self._to_forget = []
        if stale:
            self._registry.inc("penstock:streams_resumed_total", len(generates))
            self._send(messages.Abort(stale))
        if settled:
            self._send(messages.Settle(settled))
        self._send_all([*reserves, *generates])

    def _refuse(self, message: messages.Refused) -> None:
        if message.id == 0:
            log.error("the engine could not read us: %s", message.message)
            self._registry.inc("penstock:wire_errors_total")
        self._streams.refuse(message)
        self._answers.refuse(message)

    def _garbage(self, error: WireError) -> None:
        log.error("from the engine: %s", error)
        self._registry.inc("penstock:wire_errors_total")

    # ---- when it goes

    def _part(self, reason: str) -> None:
        """An engine left; or one that is new here does not know us, as we are about to say Hello."""
        assert self._connection is not None
        if self.is_ready or not self._connection.is_up:
            self._presence.has_parted = True
        self._lose(f"the engine left: {reason}")

    def _broken(self) -> None:
        self._lose("the connection to the engine broke")

    def _lose(self, reason: str) -> None:
        """Streams stay open, and wait for the next Welcome."""
        if not self.is_ready:
            return
        log.warning("%s; %d streams wait for the next", reason, len(self._streams))
        self._presence.lose(reason, time.monotonic())
        self._ready.clear()
        self._registry.inc("penstock:engine_reconnects_total")
        self._answers.give_up(reason)
        self._hello()

    def _give_up(self) -> None:
        self._streams.give_up(self.reason_away)
        self._reservations.give_up(self.reason_away)

    # ---- out

    def _send(self, message: messages.Up) -> None:
        """What cannot be sent is not kept: the next Welcome begins from the open streams."""
        if self._connection is not None and not self._connection.send(message):
            self._lose("nobody is connected at the engine's address")

    def _send_all(self, all_of_them: Iterable[messages.Up]) -> None:
        for message in all_of_them:
            self._send(message)
