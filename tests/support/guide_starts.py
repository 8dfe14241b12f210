"""A guide's commands that start a server: the plan each comes to, and the server itself. Knows no row."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from support.deployment import Deployment
from support.guide_runs import addresses, run_shell
from support.guides import excerpt, rewritten
from support.ports import free_port

PYTHON = f"{sys.executable} -P -m"
FRONTEND = Path(__file__).parents[1] / "integration/node_frontend/frontend.mjs"
COMMANDS = {
    r"\$\{\w+:-([^}]*)\}": r"\1",
    r"(?m)^# vllm": "vllm",
    r"(?s)docker run.*?vllm/vllm-openai:latest": "vllm serve",
    r"python -m vllm\.": f"{PYTHON} penstock.",
    r"vllm serve": f"{PYTHON} penstock.cli serve",
    r"(--model|serve) (Qwen|meta-llama|facebook|/models|BAAI|model\b)\S*": r"\1 brook",
    r"(max[-_]model[-_]len:?) \d+": r"\1 2048",
    r'model: "\S+"': "model: brook",
    r"/path/to/vllm-rs": str(FRONTEND),
}
"""A guide's commands are for vLLM, and for models that are not here; brook's context is 2048 tokens."""
READY_S = 240


class Start:
    """`Run` of a command that starts a server: its plan, which reads and checks all that the start would."""

    def __init__(self, cut: str = "") -> None:
        self._cut = cut

    def __call__(self, at: str, server: Deployment) -> str:
        del server
        with self.script(at) as script:
            return run_shell(f"{script} --explain")

    @contextmanager
    def script(self, at: str) -> Iterator[str]:
        yield rewritten(excerpt(at, cut=self._cut), COMMANDS)


class WithFile(Start):
    """A command that names a file of settings, which stands at `file`."""

    def __init__(self, form: str, file: str) -> None:
        super().__init__()
        self._form, self._file = form, file

    @contextmanager
    def script(self, at: str) -> Iterator[str]:
        text = rewritten(excerpt(self._file), COMMANDS)
        command = rewritten(excerpt(at), COMMANDS).replace(".yaml", f".{self._form}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"vllm_config.{self._form}")
            path.write_text(text if self._form == "yaml" else _toml(yaml.safe_load(text)))
            yield f"cd {folder}\n{command}"


class Compose(Start):
    """The command of a service in a compose file, whose image is vLLM's."""

    @contextmanager
    def script(self, at: str) -> Iterator[str]:
        service = yaml.safe_load(excerpt(at))["services"]["vllm"]
        assert service["image"] == "vllm/vllm-openai:latest"
        yield rewritten(f"vllm serve {service['command'].strip()}", COMMANDS)


def health_check(at: str, server: Deployment) -> str:
    """Of a service in a compose file."""
    kind, *command = yaml.safe_load(excerpt(at))["services"]["vllm"]["healthcheck"]["test"]
    assert kind == "CMD"
    return run_shell(rewritten(" ".join(command), addresses(server)))


def _toml(settings: Mapping[str, Any]) -> str:
    """TOML has no null."""
    return "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items() if v is not None)


@contextmanager
def started(start: Start, at: str) -> Iterator[str]:
    """The server itself, at this address, when it is ready."""
    port = free_port()
    with start.script(at) as script, tempfile.TemporaryFile("w+") as log:
        has_variable = "VLLM_PORT=" in script
        script = re.sub(r"VLLM_PORT=\d+", f"VLLM_PORT={port}", script)
        script += "" if has_variable else f" --port {port}"
        process = subprocess.Popen(
            ["bash", "-c", script],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_ready(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(READY_S)
            log.seek(0)
            print(log.read())


def _wait_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5):
                return
        except OSError:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < end, f"{url} is not ready"
            time.sleep(0.1)
