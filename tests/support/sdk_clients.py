"""The SDKs' client programs: which there are, how each is run, what it saw. Knows no scene's meaning."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SDKS = Path(__file__).parents[1] / "integration" / "sdks"
OWN_PYTHON = SDKS / "python" / ".venv" / "bin" / "python"
NODE_MODULES = SDKS / "node" / "node_modules"
PATIENCE_S = 400
BASIC = ("chat", "stream", "tools", "stream_tools", "parallel", "structured", "stream_structured")
FORCED = ("required", "named")
HELPERS = ("parsed_tools", "tool_events")
RESPONSES = (
    *("responses_create", "responses_stream", "responses_parse", "responses_poll"),
    *("responses_tools", "responses_chain", "responses_again"),
)


@dataclass(frozen=True)
class Client:
    """A program of one SDK, and the scenes that it plays."""

    name: str
    program: str
    scenes: tuple[str, ...]
    python: Path = OWN_PYTHON

    @property
    def is_node(self) -> bool:
        return self.program.endswith(".mjs")

    def missing(self) -> str:
        """What must be installed before it can run; empty where all is there."""
        if self.is_node and shutil.which("node") is None:
            return "node is not installed"
        needed = NODE_MODULES if self.is_node else self.python
        return "" if needed.exists() else "run tests/integration/sdks/install first"

    def command(self) -> list[str]:
        if self.is_node:
            return ["node", str(SDKS / "node" / self.program)]
        return [str(self.python), "-P", str(SDKS / "python" / self.program)]


def _client(name: str, program: str, *more: str, **rest: Any) -> Client:
    return Client(name, program, (*BASIC, *more, "network"), **rest)


def _responses(name: str, program: str, **rest: Any) -> Client:
    return Client(name, program, (*RESPONSES, "network"), **rest)


CLIENTS = (
    _client("openai-python", "openai_client.py", *FORCED, *HELPERS, python=Path(sys.executable)),
    _client("openai-python-2", "openai_client.py", *FORCED, *HELPERS),
    _client("langchain", "langchain_client.py", *FORCED),
    _client("llama-index", "llama_index_client.py", *FORCED),
    _client("instructor", "instructor_client.py"),
    _client("pydantic-ai", "pydantic_ai_client.py", *FORCED),
    _client("openai-node", "openai_client.mjs", *FORCED, *HELPERS),
    _client("vercel-ai", "vercel_client.mjs", *FORCED),
    _responses("openai-python-responses", "openai_responses.py", python=Path(sys.executable)),
    _responses("openai-python-2-responses", "openai_responses.py"),
    _responses("openai-node-responses", "openai_responses.mjs"),
)


class Playbill:
    """Runs each client once against one server, when its first scene is asked for."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._lines: dict[str, dict[str, Any]] = {}
        self._logs: dict[str, str] = {}

    def seen(self, client: Client, scene: str) -> Any:
        """What the client saw in the scene; AssertionError with its traceback where it failed."""
        if client.name not in self._lines:
            self._lines[client.name] = self._play(client)
        line = self._lines[client.name].get(scene)
        assert line is not None, f"{client.name} ended early:\n{self._logs[client.name]}"
        assert "error" not in line, f"{client.name}: {line['error']}"
        return line["seen"]

    def _play(self, client: Client) -> dict[str, Any]:
        done = subprocess.run(
            [*client.command(), self._base_url],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        self._logs[client.name] = done.stderr
        lines = map(json.loads, done.stdout.splitlines())
        return {line["scene"]: line for line in lines}


def _environment() -> dict[str, str]:
    """The caller's, less what points a client at another server, with every report home turned off."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("OPENAI_", "LANGSMITH_", "LANGCHAIN_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(SDKS / "python"),
        "NO_PROXY": "127.0.0.1",
        "DO_NOT_TRACK": "1",
        "LANGSMITH_TRACING": "false",
    }
