"""What one streamed chunk costs a front end: detokenized, shaped, written. CPU time, no engine, real sockets.

python -P tests/bench/sse_chunks.py [STREAMS] [TOKENS]
"""

import asyncio
import json
import multiprocessing
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import uvloop
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.byte_model import make_byte_model
from support.fake_script import CARD, LIMITS

from penstock.frontend.app import build_app
from penstock.frontend.engine import Update
from penstock.frontend.engine.token_stream import Take
from penstock.frontend.loading import load_services
from penstock.protocol.messages import FinishReason
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings


class Clockwork:
    """Stands in for EngineClient: all streams get a token at each tick, as they do from a step."""

    card, limits = CARD, LIMITS
    is_ready = True

    def __init__(self) -> None:
        self._pouring: set[Ticks] = set()

    def generate(self, spec: Any) -> "Ticks":
        return Ticks(self._pouring, spec.params.max_tokens)

    async def run(self) -> None:
        while True:
            for ticks in self._pouring.copy():
                ticks.tick()
            await asyncio.sleep(0.002)


class Ticks:
    def __init__(self, pouring: "set[Ticks]", num: int) -> None:
        self._pouring, self._num, self._done = pouring, num, 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def stop(self) -> None: ...

    async def pour(self, take: Take) -> None:
        self._take, self._full = take, asyncio.Event()
        self._pouring.add(self)
        await self._full.wait()

    def tick(self) -> None:
        self._done += 1
        finish = FinishReason.LENGTH if self._done == self._num else None
        if not self._take(Update([71 + self._done % 20], finish)):
            self._pouring.discard(self)
            self._full.set()


def read_streams(port: int, num_streams: int, num_tokens: int) -> None:
    """In a process of its own: asks for all streams at once and reads them to their ends."""
    body = {"prompt": "Hi", "max_tokens": num_tokens, "stream": True}
    data = json.dumps(body).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    connections = []
    for _ in range(num_streams):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(head.encode() + data)
        connections.append(connection)
    for connection in connections:
        while connection.recv(1 << 20):
            pass


async def measure(num_streams: int, num_tokens: int) -> float:
    folder = make_byte_model(Path(tempfile.mkdtemp()))
    clockwork: Any = Clockwork()
    settings = FrontendSettings(model=str(folder), access_log=False, responses_store="none")
    runner = web.AppRunner(
        build_app(load_services(settings, clockwork, Registry())),
        handler_cancellation=True,
        access_log=None,
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    args = (runner.addresses[0][1], num_streams, num_tokens)
    reader = multiprocessing.get_context("spawn").Process(target=read_streams, args=args)
    ticking = asyncio.create_task(clockwork.run())
    begun = time.process_time()
    reader.start()
    await asyncio.to_thread(reader.join)
    spent = time.process_time() - begun
    ticking.cancel()
    await runner.cleanup()
    return spent / (num_streams * num_tokens) * 1e6


def main() -> None:
    num_streams, num_tokens = [*map(int, sys.argv[1:3]), 64, 500][:2]
    cost = uvloop.run(measure(num_streams, num_tokens))
    print(f"{cost:.1f} us of CPU per chunk ({num_streams} streams of {num_tokens} tokens)")


if __name__ == "__main__":
    main()
