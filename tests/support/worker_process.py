"""A real worker process and the engine core's end of its link. Knows messages, not models."""

import socket
import subprocess
import sys
from pathlib import Path

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import FromWorker, ToWorker, WorkerProgress

TIMEOUT_S = 240.0


class WorkerProcess:
    """A context manager: the worker is killed and the socket is closed at its end."""

    def __init__(self, model_dir: Path, *flags: str) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(TIMEOUT_S)
        self._reader = FrameReader()
        self._arrived: list[bytes] = []
        self._encode, self._decode = to_worker_codec().encode, from_worker_codec().decode
        self.phases: list[str] = []
        argv = worker_argv(theirs.fileno(), model_dir, *flags)
        self.process = subprocess.Popen(argv, pass_fds=[theirs.fileno()])
        theirs.close()

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._socket.close()

    def send(self, message: ToWorker) -> None:
        self._socket.sendall(frame(self._encode(message)))

    def receive(self) -> FromWorker:
        """The next message that is not progress."""
        while True:
            while not self._arrived:
                data = self._socket.recv(READ_BYTES)
                assert data, "the worker closed its end"
                self._arrived = self._reader.feed(data)
            message = self._decode(self._arrived.pop(0))
            if not isinstance(message, WorkerProgress):
                return message
            self.phases.append(message.phase)


def worker_argv(link: int, model_dir: Path, *flags: str) -> list[str]:
    """The command that starts a worker on an inherited socket."""
    return [
        *(sys.executable, "-P", "-m", "penstock.workers"),
        *("--link", str(link), "--rank", "0", "--model-dir", str(model_dir)),
        *("--cpu-threads", "1", *flags),
    ]
