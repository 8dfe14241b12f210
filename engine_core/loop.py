"""The engine core's waiting: sockets, signals and timers. Knows when to call the engine, not what it does."""

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import zmq

from penstock.engine_core.door import Door
from penstock.engine_core.engine import EngineCore


def run(engine: EngineCore, door: Door) -> int:
    """Serves until the engine has an exit status. Blocks whenever there is nothing to do."""
    with _woken_by_signals() as told_to_stop:
        engine.workers.start(time.monotonic())
        while engine.exit_status is None:
            _wait(engine, [door.socket, told_to_stop, *engine.workers.pollables()])
            now = time.monotonic()
            if _heard_signal(told_to_stop):
                engine.drain(now)
            for identity, message in door.receive():
                engine.handle(identity, message, now)
            engine.step(now)
            engine.tick(now)
    return engine.exit_status


def _wait(engine: EngineCore, readable: list[Any]) -> None:
    now = time.monotonic()
    timeout_ms = max(0, int(1000 * (engine.next_timer(now) - now) + 1))
    zmq.zmq_poll([(one, zmq.POLLIN) for one in readable], timeout_ms)


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


def _heard_signal(wakeups: socket.socket) -> bool:
    try:
        return bool(wakeups.recv(64))
    except BlockingIOError:
        return False
