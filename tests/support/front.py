"""A front end in a thread of this process, before a fake engine. Speaks HTTP to it as any client would."""

import asyncio
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from penstock.frontend.engine import EngineClient
from penstock.frontend.http.listening import listen
from penstock.frontend.http.serving import start_serving
from penstock.frontend.loading import load_services
from penstock.frontend.server import make_runner
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings
from support.fake_engine import FakeEngine, Generate


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Answer(NamedTuple):
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def choice(self) -> Any:
        (choice,) = self.json["choices"]
        return choice

    @property
    def events(self) -> list[Any]:
        """The chunks of a stream, which must end as streams do."""
        *events, last = [e for e in self.data.decode().split("\n\n") if e]
        assert last == "data: [DONE]"
        assert all(e.startswith("data: ") for e in events)
        return [json.loads(e[6:]) for e in events]


class Front:
    """A context manager. `script` says what the model answers; see `says`."""

    def __init__(self, model: Path, wait: bool = True, **settings: Any) -> None:
        self.engine = FakeEngine(step_s=0.0005)
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-front-")
        defaults: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": 0,
            "served_model_name": ["tiny", "alias"],
            "responses_store": f"{self._folder.name}/responses.sqlite",
        }
        self.settings = FrontendSettings(
            model=str(model), endpoint=self.engine.endpoint, **(defaults | settings)
        )
        self.registry = Registry()
        self.services = load_services(
            self.settings, EngineClient(self.settings, self.registry), self.registry
        )
        self.tokenizer = self.services.tokenizer
        self.port = 0
        self._wait = wait
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.engine.is_silent = not self._wait
        self.engine.__enter__()
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.engine.__exit__()
        self._folder.cleanup()

    def call(self, coroutine: Any) -> Any:
        """Runs something on the front end's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    async def _start(self) -> None:
        self._runner = make_runner(self.services)
        await self._runner.setup()
        listener = listen(self.settings)
        self._server = await start_serving(self._runner, listener, self.settings)
        self.port = listener.getsockname()[1]
        await self.services.client.start()
        if self._wait:
            await self.services.client.wait_ready(60)

    async def _stop(self) -> None:
        self._server.close()
        await self._runner.cleanup()
        self.services.encoder.close()
        await self.services.client.close()

    # ---- the model's part

    def says(self, text: str, ends: bool = True) -> None:
        """The model answers `text`, one byte a token, then ends, or begins again."""
        ids = self.tokenizer.encode(text)
        eos = self.tokenizer.token_id("<|im_end|>")
        assert eos is not None
        cycle = [*ids, eos] if ends else ids
        self.engine.script = lambda request, position: cycle[position % len(cycle)]

    @property
    def last(self) -> Generate:
        """The request that the engine saw last."""
        return self.engine.generates[-1]

    # ---- the client's part

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            found = {k.lower(): v for k, v in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})

    def chat(self, content: str = "Hi", **fields: Any) -> Answer:
        messages = [{"role": "user", "content": content}]
        return self.post("/v1/chat/completions", {"messages": messages, **fields})

    def complete(self, prompt: str | Sequence[Any] = "Hi", **fields: Any) -> Answer:
        return self.post("/v1/completions", {"prompt": prompt, **fields})
