"""A real engine-core over fake workers, and front ends that a test moves by hand. Knows the wire, not HTTP."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TypeVar

import zmq

from penstock.protocol import sockets
from penstock.protocol.codec import down_codec, up_codec
from penstock.protocol.messages import (
    PROTOCOL_VERSION,
    Down,
    FinishReason,
    Generate,
    Hello,
    Ping,
    Pong,
    Refused,
    Tokens,
    Up,
    Welcome,
)
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack, unpack

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
LAUNCH = """
import sys
from penstock.engine_core.__main__ import main
sys.exit(main(sys.argv[2:], worker=sys.argv[1].split("|")))
"""
M = TypeVar("M")


class Engine:
    """A context manager: the process runs on entry, and is gone on exit.

    Whom it takes for lost after `silence_s` matters to few tests; the others may be held up by a busy machine.
    """

    def __init__(self, *flags: str, worker: tuple[str, ...] = (), silence_s: float = 60.0) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp"))
        (self.folder / "config.json").write_text("{}")
        self.endpoint = f"ipc://{self.folder}/engine"
        command = [sys.executable, "-P", str(FAKE_WORKER), "--state-dir", str(self.folder), *worker]
        self._argv = [
            *(sys.executable, "-P", "-c", LAUNCH, "|".join(command)),
            *("--model", str(self.folder), "--endpoint", self.endpoint),
            *("--heartbeat-s", "0.1", "--silence-s", str(silence_s), *flags),
        ]

    def __enter__(self) -> "Engine":
        self._log = (self.folder / "log").open("w+")
        self.start()
        return self

    def start(self) -> None:
        """Again, after an end: a successor on the same endpoint."""
        self.process = subprocess.Popen(self._argv, stdout=self._log, stderr=subprocess.STDOUT)

    def __exit__(self, failed: object, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if failed:
            print(self.log())
        self._log.close()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def terminate(self, timeout_s: float = 60) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def worker_pids(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def cpu_s(self) -> float:
        """CPU seconds that the engine process itself has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class FrontEnd:
    """A DEALER with the manners of a front end, but no heartbeat of its own."""

    def __init__(self, engine: Engine, frontend_id: str = "test", epoch: int = 1) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        identity = f"{frontend_id}/{epoch}".encode()
        self.socket = sockets.connect_dealer(self.context, engine.endpoint, identity, None)
        self.hello = Hello(PROTOCOL_VERSION, frontend_id, epoch)
        self._encoder, self._decoder = up_codec(), down_codec()
        self._ids = itertools.count(1)

    def __enter__(self) -> "FrontEnd":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(0)

    def send(self, message: Up) -> None:
        self.socket.send(self._encoder.encode(message))

    def receive(self, timeout_s: float = 60) -> Down:
        assert self.socket.poll(int(1000 * timeout_s)), "the engine is silent"
        return self._decoder.decode(self.socket.recv())

    def receive_a(self, kind: type[M], timeout_s: float = 60) -> M:
        """The next message of `kind`; others are skipped."""
        end = time.monotonic() + timeout_s
        while True:
            message = self.receive(max(0.0, end - time.monotonic()))
            if isinstance(message, kind):
                return message

    def is_silent(self, for_s: float) -> bool:
        return not self.socket.poll(int(1000 * for_s))

    def join(self, timeout_s: float = 60) -> Welcome:
        """Says Hello until welcomed, as front ends do."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.send(self.hello)
            if self.socket.poll(200):
                message = self.receive()
                if isinstance(message, Welcome):
                    return message
        raise AssertionError("not welcomed")

    def ask(self, prompt: list[int], params: SamplingParams, **fields: Any) -> int:
        request_id = next(self._ids)
        self.send(Generate(request_id, pack(prompt), params, **fields))
        return request_id

    def collect(self, request_id: int, timeout_s: float = 60) -> "Answer":
        """All deltas of one request; pings meanwhile, so that the engine does not give us up."""
        answer = Answer()
        end, ping_at = time.monotonic() + timeout_s, 0.0
        while time.monotonic() < end and answer.finish is None and answer.refused is None:
            if time.monotonic() > ping_at:
                self.send(Ping(0))
                ping_at = time.monotonic() + 0.3
            if not self.socket.poll(100):
                continue
            match self.receive():
                case Tokens(deltas):
                    for delta in deltas:
                        if delta.id == request_id:
                            answer.take(delta)
                case Refused(id=refused_id) as refused if refused_id == request_id:
                    answer.refused = refused
                case _:
                    pass
        return answer

    def stats(self) -> Any:
        """As of now: answers to earlier pings may still be on their way."""
        seq = next(self._ids)
        self.send(Ping(seq))
        while (pong := self.receive_a(Pong)).seq != seq:
            pass
        return pong.stats


class Answer:
    """What came for one request."""

    def __init__(self) -> None:
        self.offset: int | None = None
        self.tokens: list[int] = []
        self.finish: FinishReason | None = None
        self.stop_token: int | None = None
        self.num_cached = 0
        self.refused: Refused | None = None

    def take(self, delta: Any) -> None:
        if self.offset is None:
            self.offset, self.num_cached = delta.offset, delta.num_cached
        assert delta.offset == self.offset + len(self.tokens)
        self.tokens += unpack(delta.token_ids)
        self.finish, self.stop_token = delta.finish, delta.stop_token
