"""An engine core of a program's own, and the line to it, on a thread and loop of their own. Knows no request.

The engine core is a child process started by command line, so a script needs no `if __name__ == "__main__"`. It
dies with this process, whatever ends it, and comes back when it alone dies: open requests then go on.
"""

import asyncio
import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, TypeVar

from msgspec.structs import replace

from penstock.children import Child, describe
from penstock.frontend.engine import EngineClient
from penstock.frontend.loading import load_services
from penstock.offline.errors import EngineStartError
from penstock.offline.settings import Settings
from penstock.protocol import flags, sockets
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.metrics import Registry

T = TypeVar("T")
STOP_GRACE_S = 5.0
LAST_LINES = 20
STATUS_SETTINGS = 2
SLACK_S = 30.0
"""For the engine core itself, beside its worker."""


class Engine:
    """Ready when made, until `close`."""

    def __init__(self, settings: Settings) -> None:
        """Raises PenstockError. The text comes first, so that a model is downloaded once, and by us."""
        self._pid = os.getpid()
        self._log = EngineLog()
        self._is_ready = self._is_closed = False
        self._work: set[Future[Any]] = set()
        self._loop = asyncio.SelectorEventLoop()  # whatever policy the program has
        self._thread = threading.Thread(target=self._loop.run_forever, name="penstock", daemon=True)
        self._running: asyncio.Task[int] | None = None
        with ExitStack() as undo:
            folder = sockets.make_runtime_dir(None)
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            engine, frontend = _joined_at(f"ipc://{folder}/engine", settings)
            registry = Registry()
            self._client = EngineClient(frontend, registry)
            self.services = load_services(frontend, self._client, registry)
            undo.callback(self.services.encoder.close)
            argv = [sys.executable, "-P", "-m", "penstock.engine_core", *flags.to_argv(engine)]
            self._child = Child("engine-core", argv, self._gives_up, hear=self._log.hear)
            self._thread.start()
            undo.callback(self._end_loop)
            self.run(self._start(engine.worker_start_timeout_s + SLACK_S))
            self._undo = undo.pop_all()

    @property
    def pid(self) -> int | None:
        """Of the engine core."""
        return self._child.pid

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for work on the loop, from any other thread; whatever ends the wait cancels the work."""
        if self._is_closed:
            work.close()
            raise EngineGoneError("this LLM is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._work.add(future)
        try:
            return future.result()
        finally:
            future.cancel()
            self._work.discard(future)

    def close(self) -> None:
        """May be called twice; does nothing in a fork of the process that made it."""
        if self._is_closed or os.getpid() != self._pid:
            return
        self._is_closed = True
        for future in list(self._work):
            future.cancel()
        self._undo.close()

    def _end_loop(self) -> None:
        stopping = asyncio.run_coroutine_threadsafe(self._stop(), self._loop)
        stopping.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is not self._thread:  # a collection may end an LLM anywhere
            self._thread.join()
            self._loop.close()

    async def _start(self, timeout_s: float) -> None:
        self._running = asyncio.create_task(self._child.run())
        await self._client.start()
        ready = asyncio.create_task(self._client.wait_ready(timeout_s))
        await asyncio.wait([self._running, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            ready.cancel()
            end = describe(self._running.result())
            raise EngineStartError(f"the engine core ended ({end}):\n{self._log.last_lines}")
        await ready
        self._is_ready = True
        self._running.add_done_callback(self._ended)

    def _gives_up(self, status: int) -> bool:
        return not self._is_ready or self._is_closed or status == STATUS_SETTINGS

    def _ended(self, _: "asyncio.Task[int]") -> None:
        """For good: who waits shall not wait for its successor."""
        if not self._is_closed:
            self._closing = asyncio.create_task(self._client.close("the engine core ended"))

    async def _stop(self) -> None:
        await self._client.close("the program is done with it")
        self._child.stop()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=STOP_GRACE_S)
            self._child.kill()
            await asyncio.wait([self._running])


def _joined_at(endpoint: str, settings: Settings) -> Settings:
    """The same, with the address where the two programs meet."""
    return Settings(
        replace(settings.engine, endpoint=endpoint), replace(settings.frontend, endpoint=endpoint)
    )


class EngineLog:
    """What the engine core writes: shown as it comes, and its last lines kept to be quoted."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._begun = ""

    def hear(self, chunk: bytes) -> None:
        text = chunk.decode(errors="replace")
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
        *lines, self._begun = (self._begun + text).split("\n")
        self._lines.extend(lines)

    @property
    def last_lines(self) -> str:
        return "\n".join([*self._lines, self._begun]).strip()
