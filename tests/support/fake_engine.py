"""An engine core without a model: a thread that speaks protocol/messages/ by a script. Knows no front end.

    with FakeEngine() as engine:
        client = EngineClient(FrontendSettings(endpoint=engine.endpoint), Registry())

Tokens are a function of (prompt, seed, position) alone, as a real engine promises, so that a stream may
be expected to go on exactly where it was. Attributes may be changed while it runs.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, assert_never

import msgspec
import zmq

from penstock.protocol import codec, messages, metrics, sockets, token_ids
from penstock.protocol.errors import WireError
from penstock.protocol.messages import (
    Delta,
    EngineStats,
    Generate,
    RefusalCode,
)
from penstock.protocol.timelines import TimelineQuestion
from support import fake_script
from support.fake_script import CARD, LIMITS, Script, hashed

IDLE_S = 0.01
"""So long it sleeps where nothing is to be done: some live as long as all tests do."""


def granted(asked: messages.Reserve) -> messages.Verdict:
    return messages.Verdict(asked.id, True)


class Running(msgspec.Struct):
    """One request and how far it is."""

    peer: bytes
    request: Generate
    num_output: int
    prompt_sent: bool = False


class FakeEngine:
    """See the module. All dealings with the socket happen in its one thread."""

    def __init__(self, script: Script = hashed, step_s: float = 0.001) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-fake-")
        self.endpoint = f"ipc://{Path(self._folder.name) / 'engine'}"
        self.script = script
        self.step_s = step_s
        self.tokens_per_step = 1
        self._is_silent = False
        self._turn = threading.Lock()
        self.is_holding = False
        """Takes requests but generates nothing."""
        self.refusal: Callable[[Generate], messages.Refused | None] = lambda request: None
        self.dies_of: Callable[[Generate], bool] = lambda request: False
        """A request that restarts the engine once it runs."""
        self.edit: Callable[[messages.Tokens], messages.Tokens] = lambda tokens: tokens
        """Changes what is sent: repeats, gaps, reorderings."""
        self.queued_us = 0
        """How long requests say they waited."""
        self.stats = EngineStats(num_workers=1, num_frontends=1)
        self.card, self.limits = CARD, LIMITS
        self.verdict: Callable[[messages.Reserve], messages.Verdict] = granted
        self.reserved: list[messages.Reserve] = []
        self.settled: list[int] = []
        self.generates: list[Generate] = []
        self.aborted: list[int] = []
        self.whole: list[int] = []
        """Of the aborted, those whose answers were complete."""
        self.left: list[str] = []
        self.pushed: dict[bytes, metrics.Snapshot] = {}
        self.epoch = 1
        self.protocol_version = messages.PROTOCOL_VERSION
        self._running: dict[tuple[bytes, int], Running] = {}
        self._peers: set[bytes] = set()
        self._calls: list[Callable[[], None]] = []
        self._is_closed = False
        self._codec = codec.up_codec()
        self._context: zmq.Context[Any] = zmq.Context()
        self._thread = threading.Thread(target=self._serve, name="fake-engine", daemon=True)

    def __enter__(self) -> Self:
        self._bind()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        self._thread.join()
        self._unbind()
        self._context.term()
        self._folder.cleanup()

    @property
    def num_running(self) -> int:
        return len(self._running)

    # ---- faults, from any thread

    @property
    def is_silent(self) -> bool:
        """Neither reads nor sends, as a hung process; from the moment it is set."""
        return self._is_silent

    @is_silent.setter
    def is_silent(self, value: bool) -> None:
        with self._turn:
            self._is_silent = value

    def restart(self, after_s: float = 0.0) -> None:
        """Dies with all it knows; its successor binds `after_s` later."""
        self._calls.append(lambda: self._die(after_s))

    def goodbye(self, after_s: float = 0.0) -> None:
        """Leaves with a word, then as `restart`."""
        self._calls.append(lambda: self._part(after_s))

    def forget(self) -> None:
        """Drops every request and front end, and stays: as after the front ends' silence."""
        self._calls.append(self._forget)

    # ---- its thread

    def _serve(self) -> None:
        next_step = time.monotonic()
        while not self._is_closed:
            while self._calls:
                self._calls.pop(0)()
            with self._turn:
                if not self._is_silent:
                    next_step = self._turn_once(next_step)
            time.sleep(0.005 if self._is_silent else 0)

    def _turn_once(self, next_step: float) -> float:
        has_work = self._running and not self.is_holding
        self._read(max(0.0, next_step - time.monotonic()) if has_work else IDLE_S)
        if time.monotonic() < next_step:
            return next_step
        self._step()
        return time.monotonic() + self.step_s

    def _read(self, wait_s: float) -> None:
        if not self._socket.poll(wait_s * 1000):
            return
        for _ in range(1000):
            try:
                peer, frame = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                self._handle(peer, self._codec.decode(frame))
            except WireError as error:
                self._send(peer, messages.Refused(0, RefusalCode.MALFORMED, str(error)))

    def _handle(self, peer: bytes, message: messages.Up) -> None:
        match message:
            case messages.Hello():
                self._peers.add(peer)
                self._send(
                    peer,
                    messages.Welcome(self.protocol_version, self.epoch, self.card, self.limits),
                )
            case messages.Generate():
                self._admit(peer, message)
            case messages.Abort():
                self._abort(peer, message)
            case messages.Control():
                self._send(peer, messages.Result(message.id, self._answer(peer, message)))
            case messages.Ping():
                self._pong(peer, message)
            case messages.Embed():
                self._send(peer, messages.Refused(message.id, RefusalCode.UNSUPPORTED, "no"))
            case messages.Reserve():
                self.reserved.append(message)
                verdict = self.verdict(message)
                self._send(peer, msgspec.structs.replace(verdict, id=message.id))
            case messages.Settle():
                self.settled += message.ids
            case messages.Leave():
                self.left.append(message.reason)
                self._peers.discard(peer)
            case _:
                assert_never(message)

    def _admit(self, peer: bytes, request: Generate) -> None:
        if peer not in self._peers:
            self._send(peer, messages.Goodbye("I do not know you"))
            return
        self.generates.append(request)
        refused = self.refusal(request)
        if refused is not None:
            self._send(peer, msgspec.structs.replace(refused, id=request.id))
            return
        key = (peer, request.id)
        self._running[key] = Running(peer, request, token_ids.count(request.emitted))

    def _abort(self, peer: bytes, message: messages.Abort) -> None:
        for request_id in message.ids:
            self.whole += [request_id] if message.is_complete else []
            self.aborted.append(request_id)
            self._running.pop((peer, request_id), None)

    def _pong(self, peer: bytes, message: messages.Ping) -> None:
        if peer not in self._peers:
            self._send(peer, messages.Goodbye("I do not know you"))
            return
        if message.metrics:
            self.pushed[peer] = metrics.decode(message.metrics)
        self._send(peer, messages.Pong(message.seq, self.stats))

    def _answer(self, peer: bytes, message: messages.Control) -> bytes:
        match message.verb:
            case messages.ControlVerb.METRICS:
                if message.payload:
                    self.pushed[peer] = metrics.decode(message.payload)
                return metrics.encode(metrics.merge(self.pushed.values()))
            case messages.ControlVerb.RESET_PREFIX_CACHE:
                return b"\x01"
            case messages.ControlVerb.REQUEST_TIMELINE:
                return self._timeline(message.payload)
            case _:
                assert_never(message.verb)

    def _timeline(self, payload: bytes) -> bytes:
        """Of the last request that is meant, as short as may be."""
        asked = msgspec.msgpack.decode(payload, type=TimelineQuestion)
        for request in reversed(self.generates):
            is_meant = asked.id in (request.name, request.answer_id)
            if is_meant and asked.tenant in ("", request.tenant):
                return msgspec.msgpack.encode(fake_script.timeline(request))
        return b""

    def _step(self) -> None:
        if self.is_holding:
            return
        if any(self.dies_of(running.request) for running in self._running.values()):
            self._die(0.0)
            return
        deltas: dict[bytes, list[Delta]] = {}
        for key, running in list(self._running.items()):
            delta = self._advance(running)
            deltas.setdefault(running.peer, []).append(delta)
            if delta.finish is not None:
                del self._running[key]
        for peer, of_peer in deltas.items():
            self._send(peer, self.edit(messages.Tokens(of_peer)))

    def _advance(self, running: Running) -> Delta:
        request, offset = running.request, running.num_output
        ids = list(self._next_ids(running))
        running.num_output += len(ids)
        finish, stop_token = fake_script.finish(request, running.num_output, ids)
        delta = Delta(
            request.id,
            offset,
            token_ids.pack(ids),
            finish,
            stop_token,
            logprobs=fake_script.logprobs(ids, request.params.logprobs),
            prompt_logprobs=None if running.prompt_sent else fake_script.prompt_logprobs(request),
            queued_us=0 if offset else self.queued_us,
        )
        running.prompt_sent = True
        return delta

    def _next_ids(self, running: Running) -> Iterator[int]:
        request = running.request
        left = request.params.max_tokens - running.num_output
        for i in range(min(self.tokens_per_step, left)):
            token = self.script(request, running.num_output + i)
            yield token
            if token in request.params.stop_token_ids + request.params.eos_token_ids:
                return

    def _send(self, peer: bytes, message: messages.Down) -> None:
        try:
            self._socket.send_multipart([peer, self._codec.encode(message)], zmq.NOBLOCK)
        except zmq.ZMQError:
            self._peers.discard(peer)

    def _forget(self) -> None:
        self._running.clear()
        self._peers.clear()

    def _part(self, after_s: float) -> None:
        for peer in list(self._peers):
            self._send(peer, messages.Goodbye("an upgrade"))
        self._die(after_s)

    def _die(self, after_s: float) -> None:
        self._unbind()
        self._forget()
        self.epoch += 1
        time.sleep(after_s)
        self._bind()

    def _bind(self) -> None:
        self._socket = sockets.bind_router(self._context, self.endpoint, None)

    def _unbind(self) -> None:
        self._socket.close(linger=100)
