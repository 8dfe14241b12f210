"""The engine core's waiting: sockets, signals and timers. Knows when to call the engine, not what it does."""

import contextlib
import select
import signal
import socket
import time
from collections.abc import Iterator

from penstock.engine_core.door import Door
from penstock.engine_core.engine import EngineCore


def run(engine: EngineCore, door: Door, told_to_stop: socket.socket) -> int:
    """Serves until the engine has an exit status. Blocks whenever there is nothing to do."""
    with select.epoll() as waits:
        loop = _Loop(engine, door, told_to_stop, waits)
        engine.start(time.monotonic())
        while engine.exit_status is None:
            loop.turn()
        engine.metering.close(time.monotonic())
    return engine.exit_status


class _Loop:
    def __init__(
        self, engine: EngineCore, door: Door, told_to_stop: socket.socket, waits: select.epoll
    ) -> None:
        self._engine, self._door, self._told_to_stop = engine, door, told_to_stop
        self._waits = waits
        self._due = 0.0
        self._signals, self._knocks = told_to_stop.fileno(), door.socket.fileno()
        for descriptor in (self._signals, self._knocks, engine.workers.fileno()):
            waits.register(descriptor, select.EPOLLIN)

    def turn(self) -> None:
        """Waits, then handles what came. After all but results alone, timers may be nearer."""
        engine, is_knocked_at = self._engine, self._door.is_knocked_at
        ready = self._wait(0.0 if is_knocked_at else self._due - time.monotonic())
        now = time.monotonic()
        if self._signals in ready:
            told = _hear_signals(self._told_to_stop)
            if signal.SIGHUP in told:
                engine.hang_up(now)
            if told - {signal.SIGHUP}:
                engine.drain(now)
        is_knocked_at = is_knocked_at or self._knocks in ready
        if is_knocked_at:
            for identity, message in self._door.receive():
                engine.handle(identity, message, now)
        brought_results_alone = engine.step(now) and not is_knocked_at
        if not brought_results_alone or now >= self._due:
            engine.tick(now)
            self._due = engine.next_timer(now)

    def _wait(self, at_most_s: float) -> list[int]:
        return [descriptor for descriptor, _ in self._waits.poll(max(0.0, at_most_s))]


@contextlib.contextmanager
def woken_by_signals() -> Iterator[socket.socket]:
    """A socket on which the number of each SIGTERM, SIGINT and SIGHUP arrives. None ends the process meanwhile:
    what has been opened outside of `run`, a second signal is not to leave behind.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno())
    heard = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    handlers = {signum: signal.signal(signum, lambda *_: None) for signum in heard}
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(before)
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
        ours.close()
        theirs.close()


def _hear_signals(wakeups: socket.socket) -> set[int]:
    """By their numbers."""
    with contextlib.suppress(BlockingIOError):
        return set(wakeups.recv(64))
    return set()
