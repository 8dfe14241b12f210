"""What a deployment spends around the model as work grows: engine core per step, front end per chunk, link per step.

python -P tests/bench/control_plane.py [--streams 1 8 64] [--rounds 3] [--json FILE] [--growth FILE] [--model brook]

A real engine-core and api-frontend serve a worker that answers at once (support/instant_worker.py); a client in a
process of its own reads all streams. Figures are CPU time of each process (system calls and I/O threads included) while
every stream runs, so that each step has a row for each: of the rounds the least, which others disturbed least. The
worker sleeps a little for each row: a front end that lagged behind the engine core would send fewer, larger writes.
"""

import argparse
import contextlib
import json
import multiprocessing
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.engine import LAUNCH
from support.ports import free_port

from penstock.bench.processes import descendants

INSTANT_WORKER = Path(__file__).parents[1] / "support" / "instant_worker.py"
WARM_TOKENS = 32
"""Of each stream, before anything is measured."""
TOKENS_PER_ROUND, LEAST_TOKENS, MOST_TOKENS = 40_000, 200, 4_000
LAST_SHARE = 0.9
"""Up to there is measured: a token that ends within a character brings no event."""
TOKENS_WHILE_ONE_BEGINS = 4
"""At most: the first stream is not to end before the last has begun."""
PAUSE_S = 25e-6
PROMPT = list(range(300, 332))
_CPU_CLOCK = 2


class Deployment(NamedTuple):
    port: int
    pids: dict[str, int]

    def cpu_s(self) -> dict[str, float]:
        """Of each process with all its threads, to the nanosecond (see clock_getcpuclockid(3))."""
        clocks = {name: (~pid << 3) | _CPU_CLOCK for name, pid in self.pids.items()}
        return {name: time.clock_gettime(clock) for name, clock in clocks.items()}


class Cost(NamedTuple):
    """Of one number of streams, in microseconds of CPU."""

    streams: int
    engine_step_us: float
    link_step_us: float
    frontend_chunk_us: float


@contextlib.contextmanager
def deployment(model: str, max_num_seqs: int) -> Iterator[Deployment]:
    port, folder = free_port(), tempfile.mkdtemp()
    python = [sys.executable, "-P"]
    worker = "|".join([*python, str(INSTANT_WORKER), "--pause-s", str(PAUSE_S)])
    common = ["--model", model, "--endpoint", f"ipc://{folder}/engine", "--log-level", "warning"]
    listens = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    engine = subprocess.Popen(
        [*python, "-c", LAUNCH, worker, *common, "--max-num-seqs", str(max_num_seqs)]
    )
    frontend = subprocess.Popen([*python, "-m", "penstock.frontend", *common, *listens])
    try:
        wait_ready(port)
        [link] = descendants(engine.pid)
        yield Deployment(port, {"engine": engine.pid, "frontend": frontend.pid, "link": link})
    finally:
        for process in (frontend, engine):
            process.terminate()
            process.wait()


def wait_ready(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError, urllib.error.URLError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/ready").status == 200:
                return
        time.sleep(0.05)
    raise TimeoutError("the deployment is not ready after 20 s")


def read_streams(port: int, num_streams: int, num_tokens: int, news: "Connection") -> None:
    """Asks for all at once and reads to the end. Tells how many events came while all of them ran."""
    counts = dict.fromkeys([ask(port, num_tokens) for _ in range(num_streams)], 0)
    with selectors.DefaultSelector() as selector:
        for connection in counts:
            selector.register(connection, selectors.EVENT_READ)
        read_until(lambda: min(counts.values()) >= WARM_TOKENS, selector, counts)
        news.send(sum(counts.values()))
        read_until(lambda: max(counts.values()) >= LAST_SHARE * num_tokens, selector, counts)
        news.send(sum(counts.values()))
        read_until(lambda: not selector.get_map(), selector, counts)


def ask(port: int, num_tokens: int) -> socket.socket:
    body = {"prompt": PROMPT, "max_tokens": num_tokens, "stream": True, "ignore_eos": True}
    data = json.dumps(body).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(head.encode() + data)
    return connection


def read_until(
    condition, selector: selectors.BaseSelector, counts: dict[socket.socket, int]
) -> None:  # type: ignore[no-untyped-def]
    while not condition():
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            data = connection.recv(1 << 16)
            counts[connection] += data.count(b"data: {")
            if not data:
                selector.unregister(connection)


def measure(server: Deployment, num_streams: int) -> Cost:
    least = LEAST_TOKENS + TOKENS_WHILE_ONE_BEGINS * num_streams
    num_tokens = min(MOST_TOKENS, max(least, TOKENS_PER_ROUND // num_streams))
    ours, theirs = multiprocessing.Pipe()
    args = (server.port, num_streams, num_tokens, theirs)
    client = multiprocessing.get_context("spawn").Process(target=read_streams, args=args)
    client.start()
    first, before = ours.recv(), server.cpu_s()
    last, after = ours.recv(), server.cpu_s()
    client.join()
    chunks = last - first
    spent_us = {name: 1e6 * (after[name] - before[name]) for name in after}
    return Cost(
        num_streams,
        spent_us["engine"] / (chunks / num_streams),
        spent_us["link"] / (chunks / num_streams),
        spent_us["frontend"] / chunks,
    )


def least(rounds: list[Cost]) -> Cost:
    return Cost(*(min(values) for values in zip(*rounds, strict=True)))


def growths(costs: list[Cost]) -> Iterator[dict[str, object]]:
    """docs/benchmarking.md has the form; the title says what grows, and straight is flat for one chunk."""
    num_streams = [cost[0] for cost in costs]
    panels = [
        ("Engine core, one step", 1, "with work"),
        ("Link to the worker, one step", 2, "with work"),
        ("Front end, one chunk", 3, "not at all"),
    ]
    for title, column, grows in panels:
        points = list(zip(num_streams, [cost[column] for cost in costs], strict=True))
        form = {"schema": "penstock-growth/1", "title": title, "x": "streams", "y": "us of CPU"}
        yield {**form, "points": points, "grows": grows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 64, 256, 512])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="brook")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--growth", type=Path, help="the same, for penstock bench plot")
    given = parser.parse_args()
    with deployment(given.model, max(given.streams)) as server:
        rounds = [[measure(server, n) for n in given.streams] for _ in range(given.rounds)]
    costs = [least(list(same)) for same in zip(*rounds, strict=True)]
    print("streams  engine us/step  link us/step  front end us/chunk")
    for cost in costs:
        print("{:7d}  {:14.1f}  {:12.1f}  {:18.2f}".format(*cost))
    if given.json:
        given.json.write_text(json.dumps([cost._asdict() for cost in costs], indent=1) + "\n")
    if given.growth:
        given.growth.write_text("".join(json.dumps(one) + "\n" for one in growths(costs)))


if __name__ == "__main__":
    main()
