"""Asks one server and notes when each part of an answer came. Knows no schedule and no statistics.

A chunk costs about 10 us of CPU, decoding included: 28,600 a second of 64 streams took 29 % of a core.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from penstock.bench.errors import BenchError
from penstock.bench.events import DONE, EventSplitter, decode_chunk
from penstock.bench.records import Record
from penstock.bench.samples import Sample
from penstock.bench.target import Target

SHOWN_ERROR_CHARS = 400
READY_POLL_S = 0.5
ASK_S = 10.0
"""For what is good to know and can be done without."""


class Client:
    """One session towards one server; connections are kept and reused."""

    def __init__(self, session: aiohttp.ClientSession, target: Target) -> None:
        self._session = session
        self._target = target

    async def send(self, sample: Sample, body_of: Callable[[Sample], bytes]) -> Record:
        """What happened, errors included; raises nothing but cancellation."""
        body = body_of(sample)
        record = Record(time.perf_counter(), sample.num_input_tokens, sample.output_len)
        try:
            await self._stream(body, record)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            record.error = f"{type(error).__name__}: {error}"[:SHOWN_ERROR_CHARS]
        return record

    async def _stream(self, body: bytes, record: Record) -> None:
        async with self._session.post(self._target.url, data=body) as answer:
            if answer.status != 200:
                text = await answer.text(errors="replace")
                record.error = f"HTTP {answer.status}: {text}"[:SHOWN_ERROR_CHARS]
                return
            events = EventSplitter()
            async for data in answer.content.iter_any():
                now = time.perf_counter()
                for event in events.feed(data):
                    if event == DONE:
                        _close(record)
                        return
                    _note(record, event, now)
        record.error = record.error or "the stream ended without [DONE]"

    async def first_model(self) -> str:
        """The name to ask for when none was given. Raises BenchError."""
        url = f"{self._target.base_url}/v1/models"
        try:
            async with self._session.get(url) as answer:
                found = await answer.json()
                return str(found["data"][0]["id"])
        except aiohttp.ClientConnectionError as error:
            raise BenchError(f"no server answers at {self._target.base_url}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
            raise BenchError(f"{url} lists no model ({error}); name one with --model") from error

    async def ask(self, path: str, body: Any = None) -> Any:
        """The JSON at a path, or of posting there; None where the server has nothing of the kind."""
        method = "GET" if body is None else "POST"
        url = f"{self._target.base_url}{path}"
        try:
            async with self._session.request(
                method, url, json=body, timeout=aiohttp.ClientTimeout(total=ASK_S)
            ) as answer:
                return await answer.json() if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    async def wait_until_ready(self, timeout_s: float) -> None:
        """Until the server lists its models. Raises BenchError."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                async with self._session.get(f"{self._target.base_url}/v1/models") as answer:
                    if answer.status == 200:
                        return
                    problem = f"HTTP {answer.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = str(error)
            if time.monotonic() > end:
                raise BenchError(f"{self._target.base_url} did not get ready: {problem}")
            await asyncio.sleep(READY_POLL_S)


def _note(record: Record, event: bytes, now: float) -> None:
    chunk = decode_chunk(event)
    # Tokens that spell nothing, all of them special, come with the last word only.
    if chunk.has_output or (chunk.is_last and not record.times):
        record.times.append(now)
    if chunk.usage:
        if chunk.usage.completion_tokens is not None:
            record.num_output_tokens, record.counted = chunk.usage.completion_tokens, True
        record.num_input_tokens = chunk.usage.prompt_tokens or record.num_input_tokens
    if chunk.error is not None:
        record.error = f"in the stream: {chunk.error}"[:SHOWN_ERROR_CHARS]


def _close(record: Record) -> None:
    if not record.counted:
        record.num_output_tokens = len(record.times)
    if record.error is None and not (record.times and record.num_output_tokens):
        record.error = "the stream ended without any output"


@asynccontextmanager
async def connect(target: Target) -> AsyncIterator[Client]:
    """A client whose connections are closed at the end."""
    connector = aiohttp.TCPConnector(limit=0, ssl=target.checks_certificate)
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"Content-Type": "application/json", **dict(target.headers)},
        timeout=aiohttp.ClientTimeout(total=target.timeout_s),
    ) as session:
        yield Client(session, target)
