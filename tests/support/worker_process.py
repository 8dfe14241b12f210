"""A real worker process and the engine core's end of its link. Knows messages, not models."""

import subprocess
import sys
from pathlib import Path

import zmq

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.plan import FromWorker, ToWorker, WorkerProgress

TIMEOUT_MS = 60_000


class WorkerProcess:
    """A context manager: the worker is killed and the sockets are closed at its end."""

    def __init__(self, folder: Path, model_dir: Path, *flags: str) -> None:
        self._context = zmq.Context()
        self._down = self._context.socket(zmq.XPUB)
        self._up = self._context.socket(zmq.PULL)
        self._up.setsockopt(zmq.RCVTIMEO, TIMEOUT_MS)
        self._down.bind(f"ipc://{folder}/down")
        self._up.bind(f"ipc://{folder}/up")
        self._encode, self._decode = to_worker_codec().encode, from_worker_codec().decode
        self.phases: list[str] = []
        self.process = subprocess.Popen(worker_argv(folder, model_dir, *flags))

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._context.destroy(linger=0)

    def send(self, message: ToWorker) -> None:
        self._down.send(self._encode(message))

    def receive(self) -> FromWorker:
        """The next message that is not progress."""
        while True:
            message = self._decode(self._up.recv())
            if not isinstance(message, WorkerProgress):
                return message
            self.phases.append(message.phase)


def worker_argv(folder: Path, model_dir: Path, *flags: str) -> list[str]:
    """The command that starts a worker on the sockets of `folder`."""
    return [
        *(sys.executable, "-P", "-m", "penstock.workers"),
        *("--link-down", f"ipc://{folder}/down", "--link-up", f"ipc://{folder}/up"),
        *("--rank", "0", "--world-size", "1", "--model-dir", str(model_dir)),
        *("--cpu-threads", "1", *flags),
    ]
