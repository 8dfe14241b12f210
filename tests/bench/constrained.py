"""What constraints cost: time per token beside unconstrained streams, and what a first sight of a schema delays.

    python -P tests/bench/constrained.py [--rows 16] [--rounds 15]

Starts `penstock serve brook`. Constrained and unconstrained rounds alternate, so that a busy machine is busy
for both; a ratio is the median of the rounds' ratios. Processor time is that of the server's processes alone, whatever
the neighbours do: the worker's, and all of them.
"""

import argparse
import asyncio
import itertools
import json
import operator
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.deployment import Deployment, processor_s
from support.people import PEOPLE, PERSON

from penstock.bench.processes import descendants


def large_schema(number: int, size: int = 10_000) -> dict[str, Any]:
    """A new one for each number, of about `size` bytes."""
    schema: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    while len(json.dumps(schema)) < size:
        name = f"field_{number}_{len(schema['properties'])}"
        schema["properties"][name] = PERSON | {"description": "somebody who is listed here"}
    schema["required"] = list(schema["properties"])
    return schema


class Client:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url + "/v1/completions"
        self._session = session

    async def stream(self, max_tokens: int, **fields: Any) -> list[float]:
        """When each event came, in seconds from the request."""
        body = {"prompt": "Once", "max_tokens": max_tokens, "stream": True, **fields}
        started = time.perf_counter()
        async with self._session.post(self._url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return [
                time.perf_counter() - started
                async for line in answer.content
                if line.startswith(b"data: {")
            ]


async def per_token(client: Client, rows: int, max_tokens: int, **fields: Any) -> float:
    """Seconds a token takes when so many run at once, without the first tokens."""
    streams = await asyncio.gather(
        *(client.stream(max_tokens, temperature=1.0, seed=i, **fields) for i in range(rows))
    )
    started = max(times[0] for times in streams)
    ended = min(times[-1] for times in streams)
    num_steps = statistics.mean(sum(started <= t <= ended for t in times) for times in streams)
    return (ended - started) / num_steps


class Spent:
    """Processor time of the worker, and of all processes of a deployment, since it was last asked, in seconds."""

    def __init__(self, deployment: Deployment) -> None:
        self._workers = deployment.pids("penstock.workers")
        self._all = [deployment.process.pid, *descendants(deployment.process.pid)]
        self._before = self._now()

    def _now(self) -> tuple[float, float]:
        return sum(map(processor_s, self._workers)), sum(map(processor_s, self._all))

    def since(self) -> tuple[float, float]:
        before, self._before = self._before, self._now()
        return self._before[0] - before[0], self._before[1] - before[1]


async def compare(client: Client, spent: Spent, rows: int, rounds: int) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "unconstrained": {"ignore_eos": True},
        "regex": {"guided_regex": "[a-z ]{2000}"},
        "schema": {"structured_outputs": {"json": PEOPLE}},
        "any_json": {"structured_outputs": {"json": {"type": "array", "minItems": 900}}},
    }
    clock, worker, all_ = ({kind: list[float]() for kind in kinds} for _ in range(3))
    for _ in range(rounds + 1):
        for kind, fields in kinds.items():
            spent.since()
            clock[kind].append(await per_token(client, rows, 150, **fields))
            for values, seconds in zip((worker, all_), spent.since(), strict=True):
                values[kind].append(seconds / 150)
    for what, taken in (("clock", clock), ("worker", worker), ("server", all_)):
        for kind, values in taken.items():
            typical = statistics.median(values[1:])
            ratio = statistics.median(map(operator.truediv, values[1:], taken["unconstrained"][1:]))
            print(
                f"{what:7s} {kind:14s} {typical * 1e3:6.2f} ms a token at {rows} rows, {ratio:.2f}x"
            )


async def first_sight(client: Client, rows: int, rounds: int) -> None:
    """Streams run; then schemas come that nobody has seen, one after the other."""
    gaps: dict[bool, list[float]] = {True: [], False: []}
    first: list[float] = []
    for number in range(rounds):
        for is_disturbed in (False, True):
            running = [
                asyncio.create_task(client.stream(250, temperature=1.0, ignore_eos=True, seed=i))
                for i in range(rows)
            ]
            await asyncio.sleep(0.15)
            if is_disturbed:
                schema = large_schema(number)
                times = await client.stream(2, structured_outputs={"json": schema})
                first.append(times[0])
            for task in running:
                times = (await task)[5:]
                gaps[is_disturbed].append(max(b - a for a, b in itertools.pairwise(times)))
    show("first token at first sight of 10 kB", first)
    show(f"longest gap of {rows} streams undisturbed", gaps[False])
    show(f"longest gap of {rows} streams beside a new schema", gaps[True])


def show(what: str, seconds: list[float]) -> None:
    typical, worst = statistics.median(seconds), max(seconds)
    print(f"{what}: {typical * 1e3:.1f} ms, worst {worst * 1e3:.1f}")


async def measure(deployment: Deployment, rows: int, rounds: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = Client(deployment.url, session)
        await first_sight(client, rows // 2, rounds)
        await compare(client, Spent(deployment), rows, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    with Deployment() as deployment:
        asyncio.run(measure(deployment, args.rows, args.rounds))


if __name__ == "__main__":
    main()
