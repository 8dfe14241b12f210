"""A whole deployment behind TLS that asks for client certificates, with JSON logs: how it starts, reloads, ends."""

import http.client
import json
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import certificates
from support.deployment import PENSTOCK
from support.ports import free_port

KEY, PROMPT = "sk-not-for-logs", "not for logs either"


class Guarded:
    """A context manager: `penstock serve` with certificates in `folder`, sockets in `folder`/run."""

    def __init__(self, folder: Path) -> None:
        self.port, self.runtime = free_port(), folder / "run"
        self.runtime.mkdir()
        self._folder = folder
        self._authority = certificates.make(folder, "authority")
        self._mine = certificates.make(folder, "mine", self._authority)
        self.names = {name: certificates.make(folder, name) for name in ("first", "second")}
        self.place("first")
        self._log = (folder / "log").open("w+")
        self._argv = [
            *(*PENSTOCK, "serve", "brook", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--ssl-certfile", f"{folder}/cert.pem", "--ssl-keyfile", f"{folder}/key.pem"),
            *("--ssl-ca-certs", str(self._authority.cert), "--ssl-cert-reqs", "2"),
            *("--log-format", "json", "--api-key", KEY),
        ]

    def place(self, name: str) -> None:
        shutil.copy(self.names[name].cert, self._folder / "cert.pem")
        shutil.copy(self.names[name].key, self._folder / "key.pem")

    def __enter__(self) -> "Guarded":
        self.process = subprocess.Popen(self._argv, stdout=self._log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()

    def lines(self) -> list[dict[str, Any]]:
        """But for one that is still being written."""
        whole, _, _ = (self._folder / "log").read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 300) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, self.lines()
            assert time.monotonic() < end, self.lines()
            time.sleep(0.1)

    def num_said(self, words: str) -> int:
        return sum(words in line["message"] for line in self.lines())

    def num_listening(self) -> int:
        """Front ends that have begun: from then on, a hangup does not end them."""
        listening = [line for line in self.lines() if "listening on" in line["message"]]
        return len({line["process"] for line in listening})

    def statuses(self) -> list[int]:
        """Of the requests that were answered."""
        return [line["status"] for line in self.lines() if line["logger"] == "penstock.access"]

    def ask(self, trusted: str, *, with_certificate: bool = True) -> int:
        context = ssl.create_default_context(cafile=self.names[trusted].cert)
        if with_certificate:
            context.load_cert_chain(self._mine.cert, self._mine.key)
        body = json.dumps({"prompt": PROMPT, "max_tokens": 3})
        client = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=120, context=context)
        with closing(client):
            client.request("POST", "/v1/completions", body, {"Authorization": f"Bearer {KEY}"})
            with client.getresponse() as response:
                response.read()
                return response.status


def test_a_guarded_deployment_starts_reloads_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(guarded.runtime))
    with guarded:
        guarded.wait_for(lambda: guarded.num_said("ready in") == 1)
        guarded.wait_for(lambda: guarded.num_listening() == 2)
        assert guarded.ask("first") == 200
        with pytest.raises((ssl.SSLError, OSError)):
            guarded.ask("first", with_certificate=False)
        guarded.place("second")
        guarded.process.send_signal(signal.SIGHUP)
        guarded.wait_for(lambda: guarded.num_said("TLS files read again") == 2)
        assert guarded.ask("second") == 200
        guarded.wait_for(lambda: guarded.statuses() == [200, 200])
        assert list(guarded.runtime.iterdir()) != []
        guarded.process.send_signal(signal.SIGTERM)
        guarded.wait_for(lambda: guarded.num_said("stopping") == 1)
        guarded.process.send_signal(signal.SIGTERM)
        guarded.process.wait(60)
        assert list(guarded.runtime.iterdir()) == []
    check_log(guarded.lines(), (tmp_path / "log").read_text())


def check_log(lines: list[dict[str, Any]], text: str) -> None:
    """Of every process, and nothing that is nobody's business."""
    processes = {line["process"] for line in lines}
    assert processes == {"serve", "engine-core", "worker-0", "frontend-0", "frontend-1"}
    assert KEY not in text
    assert PROMPT not in text
