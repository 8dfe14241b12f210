"""What one delta costs a front end, socket to reader, and why the socket is read without zmq.asyncio.

    python -P tests/bench/engine_client.py [streams] [steps]

Frames are made beforehand and sent by a thread, `streams` deltas of one token in each; each stream has a
reader of its own. Reported: CPU time of the front end's thread per delta.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
import zmq
import zmq.asyncio

from penstock.frontend.engine import GenerateSpec, TokenStream
from penstock.frontend.engine.connection import Connection, Listener
from penstock.frontend.engine.meter import StreamMeter, StreamMetrics
from penstock.frontend.engine.streams import Streams
from penstock.protocol import codec, messages, sockets, token_ids
from penstock.protocol.messages import Delta, FinishReason, Tokens
from penstock.protocol.metrics import Registry
from penstock.protocol.sampling import SamplingParams

IDENTITY = b"bench/1"
Run = Callable[[str, Streams], Awaitable[None]]


class Desk:
    """Sends nothing: the frames are ready."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def enter(self, stream: TokenStream) -> None:
        self._streams.add(stream)

    def leave(self, stream: TokenStream) -> None:
        self._streams.remove(stream)


def make_frames(num_streams: int, num_steps: int) -> list[bytes]:
    encoder = codec.down_codec()
    frames = []
    for step in range(num_steps):
        finish = FinishReason.LENGTH if step == num_steps - 1 else None
        token = token_ids.pack([step])
        deltas = [Delta(i + 1, step, token, finish) for i in range(num_streams)]
        frames.append(encoder.encode(Tokens(deltas)))
    return frames


def send_frames(endpoint: str, frames: list[bytes], step_s: float) -> None:
    with zmq.Context() as context, sockets.bind_router(context, endpoint, None) as router:
        peer, _ = router.recv_multipart()
        for frame in frames:
            router.send_multipart([peer, frame])
            time.sleep(step_s)
        router.recv_multipart()


async def raw(endpoint: str, streams: Streams) -> None:
    """As EngineClient does it."""
    hello = messages.Hello(1, "bench", 1)

    def handle(message: messages.Down) -> None:
        assert isinstance(message, Tokens)
        streams.deliver(message, time.monotonic())

    listener = Listener(lambda: None, lambda: None, handle, lambda _: None)
    connection = Connection(endpoint, IDENTITY, None, listener)
    await poll(lambda: connection.send(hello))
    await poll(lambda: not len(streams))
    connection.send(hello)
    connection.close()


async def with_zmq_asyncio(endpoint: str, streams: Streams) -> None:
    """The alternative."""
    decoder = codec.down_codec()
    context: Any = zmq.asyncio.Context()
    socket = sockets.connect_dealer(context, endpoint, IDENTITY, None)
    await socket.send(b"hello")
    while len(streams):
        message = decoder.decode(await socket.recv())
        assert isinstance(message, Tokens)
        streams.deliver(message, time.monotonic())
    await socket.send(b"bye")
    socket.close(100)
    context.term()


async def poll(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def read(stream: TokenStream) -> None:
    async with stream:
        await stream.pour(lambda _: True)


async def measure(run: Run, endpoint: str, num_streams: int) -> float:
    streams, metrics = Streams(), StreamMetrics(Registry())
    spec = GenerateSpec(prompt=b"\0" * 400, params=SamplingParams(max_tokens=1 << 20))
    opened = [TokenStream(spec, Desk(streams), StreamMeter(metrics)) for _ in range(num_streams)]
    readers = [asyncio.create_task(read(stream)) for stream in opened]
    await asyncio.sleep(0)
    started = time.thread_time()
    await run(endpoint, streams)
    await asyncio.gather(*readers)
    return time.thread_time() - started


def bench(run: Run, num_streams: int, num_steps: int, step_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{folder}/engine"
        frames = make_frames(num_streams, num_steps)
        thread = threading.Thread(target=send_frames, args=(endpoint, frames, step_s))
        thread.start()
        seconds = uvloop.run(measure(run, endpoint, num_streams))
        thread.join()
    per_delta_us = seconds / num_streams / num_steps * 1e6
    print(f"{run.__name__:18} {num_streams:5} streams  {per_delta_us:6.2f} us per delta")


def main() -> None:
    num_streams, num_steps = (int(arg) for arg in (*sys.argv[1:], 64, 500)[:2])
    for streams in (1, num_streams, 16 * num_streams):
        for run in (raw, with_zmq_asyncio):
            bench(run, streams, num_steps, step_s=0.002)


if __name__ == "__main__":
    main()
