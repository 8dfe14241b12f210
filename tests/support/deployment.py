"""Starts a real `penstock serve` for a test and looks into its processes. Knows /proc, not the API."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from penstock.bench.processes import command_line, descendants
from penstock.protocol.settings import ServeSettings
from support.ports import free_port

PENSTOCK = [sys.executable, "-P", "-m", "penstock.cli"]


class Deployment:
    """A context manager: ready on entry, stopped with status 0 asserted on exit."""

    def __init__(self, *flags: str, model: str = "brook", ready_s: float = 300) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.started_in_s = 0.0
        self._ready_s = ready_s
        self._num_front_ends = _num_front_ends(flags)
        self._is_lost = False
        self._argv = [
            *PENSTOCK,
            "serve",
            model,
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            *flags,
        ]

    def __enter__(self) -> "Deployment":
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self._argv, stdout=self._log, stderr=subprocess.STDOUT)
        begun = time.monotonic()
        try:
            self.wait_until(self.is_whole, self._ready_s)
        except BaseException:
            self.process.kill()
            raise
        self.started_in_s = time.monotonic() - begun
        return self

    def lose(self) -> None:
        """All of it at once, as when its host loses power."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._is_lost = True

    def __exit__(self, failed: object, *_: object) -> None:
        if self._is_lost:
            self._log.close()
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = -9
        if failed or status:
            print(self.log())
        self._log.close()
        assert failed or status == 0, f"penstock serve ended with {status}"

    def log(self) -> str:
        """All that it has written. Where its programs write on is theirs to say: they share the file's place."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def wait_until(self, condition: Any, timeout_s: float) -> None:
        """Polls; raises AssertionError with the log when the condition stays false."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, f"penstock serve ended early:\n{self.log()}"
            assert time.monotonic() < end, f"waited {timeout_s} s in vain:\n{self.log()}"
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return self.get("/ready")[0] == 200
        except (OSError, urllib.error.URLError):
            return False

    def is_whole(self) -> bool:
        """Every front end is there and ready. They share a port: each connection may meet another of them."""
        listening = [pid for pid in self.pids("penstock.frontend") if listens(pid, self.port)]
        num_connections = 8 * max(1, self._num_front_ends)
        return len(listening) == self._num_front_ends and all(
            self.is_ready() for _ in range(num_connections)
        )

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body (JSON where it is JSON)."""
        return self._send(urllib.request.Request(self.url + path))

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self._send(urllib.request.Request(self.url + path, json.dumps(body).encode()))

    def _send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, _body(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _body(error.read())

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels, of the whole deployment."""
        return self.metrics(name)[0]

    def metrics(self, *names: str) -> list[float]:
        """Those of one moment."""
        pages: list[str] = []
        self.wait_until(lambda: self._has_everyones_page(pages), 60)
        return [_sum(pages[-1], name) for name in names]

    def _has_everyones_page(self, pages: list[str]) -> bool:
        """A front end to which no engine answers, or not soon, tells its own numbers."""
        pages.append(self.get("/metrics")[1])
        return _sum(pages[-1], "penstock:engine_up") == 1

    def pids(self, program: str) -> list[int]:
        """Processes of this deployment whose command line names `program` (penstock.frontend, ...)."""
        return [pid for pid in descendants(self.process.pid) if program in command_line(pid)]


def _num_front_ends(flags: tuple[str, ...]) -> int:
    """Of Penstock's own."""
    if "--frontend-program" in flags:
        return 0
    if "--api-server-count" in flags:
        return int(flags[flags.index("--api-server-count") + 1])
    return ServeSettings().api_server_count


def _sum(page: str, name: str) -> float:
    lines = [line for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def _body(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()


def chunks_of(events: str) -> list[dict[str, Any]]:
    """The chunks of a stream, which must end as streams do."""
    *lines, last = [line for line in events.split("\n") if line]
    assert last == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def processor_s(pid: int) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int) -> int:
    """Resident memory of one process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def client_ports(pid: int, server_port: int) -> set[int]:
    """Local ports of the clients whose connections to `server_port` the process `pid` holds."""
    return {remote for remote, is_listening in _sockets(pid, server_port) if not is_listening}


def listens(pid: int, server_port: int) -> bool:
    """Whether the process takes connections on `server_port`."""
    return any(is_listening for _, is_listening in _sockets(pid, server_port))


def _sockets(pid: int, server_port: int) -> list[tuple[int, bool]]:
    """Remote port, and whether it listens, of each socket of the process on `server_port`."""
    inodes = {link[8:-1] for link in _links(pid) if link.startswith("socket:[")}
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(fields[i].split(":")[1], 16) for i in (1, 2))
        if local == server_port and fields[9] in inodes:
            found.append((remote, fields[3] == "0A"))
    return found


def _links(pid: int) -> list[str]:
    """What its descriptors are; none when it has ended."""
    try:
        return [_link(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def _link(fd: Path) -> str:
    try:
        return os.readlink(fd)
    except OSError:
        return ""
