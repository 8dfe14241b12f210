"""A small OpenAI-compatible server that answers as told, for tests of clients. Knows no model."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class FakeOpenAI:
    """Streams `num_tokens` (or as many as asked for) chunks; what it saw is in `seen`.

    `fails` maps the number of a request to a status; `cuts` holds those whose stream breaks off.
    """

    first_s: float = 0.0
    between_s: float = 0.0
    num_tokens: int | None = None
    tells_usage: bool = True
    speaks: bool = True
    fails: dict[int, int] = field(default_factory=dict)
    cuts: set[int] = field(default_factory=set)
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    max_model_len: int | None = None
    tokens_per_word: float | None = None
    """What /tokenize counts by, and 10 for the template; without, there is none."""
    num_open: int = 0
    most_open: int = 0
    url: str = ""

    def __enter__(self) -> "FakeOpenAI":
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(60)
        self._loop.close()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._ended = asyncio.Event()
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        if self.tokens_per_word:
            app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/v1/completions", self._answer)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        started.set()
        await self._ended.wait()
        await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        length = {"max_model_len": self.max_model_len} if self.max_model_len else {}
        return web.json_response({"object": "list", "data": [{"id": "fake", **length}]})

    async def _tokenize(self, request: web.Request) -> web.Response:
        assert self.tokens_per_word is not None
        (message,) = (await request.json())["messages"]
        count = round(len(message["content"].split()) * self.tokens_per_word)
        return web.json_response({"count": 10 + count, "tokens": []})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        number = len(self.seen)
        body = await request.json()
        self.seen.append(body)
        self.headers.append(dict(request.headers))
        if number in self.fails:
            return web.json_response({"error": {"message": "no"}}, status=self.fails[number])
        self.num_open += 1
        self.most_open = max(self.most_open, self.num_open)
        try:
            return await self._stream(request, body, number)
        finally:
            self.num_open -= 1

    async def _stream(
        self, request: web.Request, body: dict[str, Any], number: int
    ) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        async for chunk in self._chunks(body, "messages" in body):
            await answer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            if number in self.cuts:
                return answer
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def _chunks(self, body: dict[str, Any], is_chat: bool) -> AsyncIterator[dict[str, Any]]:
        if is_chat:
            yield {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
        count = self.num_tokens or body["max_tokens"]
        for i in range(count if self.speaks else 0):
            await asyncio.sleep(self.between_s if i else self.first_s)
            said = {"delta": {"content": "x"}} if is_chat else {"text": "x"}
            yield {"choices": [{"index": 0, "finish_reason": None, **said}]}
        empty = {"delta": {}} if is_chat else {"text": ""}
        yield {"choices": [{"index": 0, "finish_reason": "length", **empty}]}
        if self.tells_usage:
            yield {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": count}}
