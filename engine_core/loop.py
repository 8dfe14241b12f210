"""The engine core's waiting: sockets, signals and timers. Knows when to call the engine, not what it does."""

import contextlib
import select
import signal
import socket
import time
from collections.abc import Iterator

from penstock.engine_core.door import Door
from penstock.engine_core.engine import EngineCore


def run(engine: EngineCore, door: Door) -> int:
    """Serves until the engine has an exit status. Blocks whenever there is nothing to do."""
    with _woken_by_signals() as told_to_stop, select.epoll() as waits:
        for descriptor in (door.socket.fileno(), told_to_stop.fileno(), engine.workers.fileno()):
            waits.register(descriptor, select.EPOLLIN)
        engine.workers.start(time.monotonic())
        while engine.exit_status is None:
            _turn(engine, door, told_to_stop, waits)
    return engine.exit_status


def _turn(engine: EngineCore, door: Door, told_to_stop: socket.socket, waits: select.epoll) -> None:
    is_knocked_at = door.is_knocked_at
    wait_s = 0.0 if is_knocked_at else engine.next_timer(time.monotonic()) - time.monotonic()
    ready = [descriptor for descriptor, _ in waits.poll(max(0.0, wait_s))]
    now = time.monotonic()
    if told_to_stop.fileno() in ready:
        _hear_signal(told_to_stop)
        engine.drain(now)
    if is_knocked_at or door.socket.fileno() in ready:
        for identity, message in door.receive():
            engine.handle(identity, message, now)
    engine.step(now)
    engine.tick(now)


@contextlib.contextmanager
def _woken_by_signals() -> Iterator[socket.socket]:
    """A socket on which a byte arrives for each SIGTERM and SIGINT."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno())
    handlers = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(before)
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
        ours.close()
        theirs.close()


def _hear_signal(wakeups: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        wakeups.recv(64)
