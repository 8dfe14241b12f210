"""Four front ends, one ledger: under a crowd that asks for more, exactly the quotas are let in."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from support.deployment import Deployment

from penstock.bench.processes import command_line

NUM_FRONTENDS = 4
MAX_TOKENS = 3


class Asked(NamedTuple):
    """What became of one request."""

    key: str
    status: int
    num_tokens: int
    frontend: str


class Size(NamedTuple):
    requests: int
    """Of each phase, half of them for each key."""
    quotas: tuple[int, int]
    total: int
    """Less than the quotas together."""


FULL, SMALL = Size(1000, (150, 250), 330), Size(160, (24, 40), 50)
SIZES = [pytest.param(SMALL, id="small"), pytest.param(FULL, id="full", marks=pytest.mark.long)]


def key_file(path: Path, names: list[str], quotas: tuple[int, ...], total: int) -> str:
    text = f"[total]\nrequests_per_day = {total}\n"
    for name, quota in zip(names, quotas, strict=True):
        text += (
            f'[[keys]]\nname = "{name}"\nkey = "sk-{name}"\n'
            f"quotas = {{ requests_per_day = {quota}, tokens_per_day = 1000000 }}\n"
        )
    path.write_text(text)
    return str(path)


async def ask(session: aiohttp.ClientSession, url: str, key: str, i: int) -> Asked:
    body = {"prompt": f"Number {i}", "max_tokens": MAX_TOKENS, "ignore_eos": True}
    if i % 2:
        body["stream"], body["stream_options"] = True, {"include_usage": True}
    headers = {"Authorization": f"Bearer sk-{key}"}
    async with session.post(f"{url}/v1/completions", json=body, headers=headers) as response:
        data = await response.read()
        if response.status != 200:
            assert response.status == 429, data
            assert int(response.headers["Retry-After"]) > 0
            return Asked(key, response.status, 0, "")
        usage = (
            data.partition(b'"total_tokens":')[2]
            if not i % 2
            else data.rpartition(b'"total_tokens":')[2]
        )
        return Asked(key, 200, int(usage.partition(b",")[0]), "")


async def crowd(url: str, keys: list[str], number: int) -> list[Asked]:
    """All at once, each on a connection of its own, so that the kernel spreads them over the front ends."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=500)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        asked = [ask(session, url, keys[i % len(keys)], i) for i in range(number)]
        return list(await asyncio.gather(*asked))


def granted(answers: list[Asked]) -> Counter[str]:
    return Counter(answer.key for answer in answers if answer.status == 200)


async def headers_of(url: str, key: str) -> dict[str, str]:
    """Of a request that is too large to be granted."""
    async with aiohttp.ClientSession() as session:
        body: dict[str, Any] = {"prompt": ["a"] * 1000, "max_tokens": 1500}
        headers = {"x-api-key": f"sk-{key}"}
        async with session.post(f"{url}/v1/completions", json=body, headers=headers) as response:
            assert response.status == 429
            return dict(response.headers)


@pytest.mark.parametrize("size", SIZES)
def test_exactly_the_quotas_are_let_in(size: Size, tmp_path: Path) -> None:
    """First the quotas of two keys bind, then, with two keys that are new, the bound of all together."""
    path, everyone = tmp_path / "keys.toml", sum(size.quotas)
    file = key_file(path, ["ann", "bob"], size.quotas, 10 * everyone)
    with Deployment(
        "--no-access-log", "--api-server-count", str(NUM_FRONTENDS), "--api-key-file", file
    ) as server:
        answers = asyncio.run(crowd(server.url, ["ann", "bob"], size.requests))
        assert granted(answers) == dict(zip(["ann", "bob"], size.quotas, strict=True))

        key_file(path, ["cid", "dot"], size.quotas, everyone + size.total)
        hang_up(server)
        server.wait_until(lambda: asyncio.run(all_know(server.url, "dot")), 60)
        again = asyncio.run(crowd(server.url, ["cid", "dot"], size.requests))
        found = granted(again)
        assert sum(found.values()) == size.total
        assert all(found[k] <= q for k, q in zip(["cid", "dot"], size.quotas, strict=True))

        for key in ("cid", "dot"):
            used = sum(answer.num_tokens for answer in again if answer.key == key)
            left = asyncio.run(headers_of(server.url, key))["x-ratelimit-remaining-tokens"]
            assert int(left) == 1_000_000 - used, "the ledger and the answers say the same"
        assert all_took_part(server, len(answers) + len(again))


def hang_up(server: Deployment) -> None:
    """Each program reads the file at once, and none ends of it."""
    programs = [*server.pids("penstock.frontend"), *server.pids("penstock.engine_core")]
    for pid in (server.process.pid, *programs):
        os.kill(pid, signal.SIGHUP)


async def all_know(url: str, key: str) -> bool:
    """Whichever front end is asked."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(10 * NUM_FRONTENDS):
            async with session.get(f"{url}/v1/models", headers={"x-api-key": f"sk-{key}"}) as found:
                if found.status != 200:
                    return False
    return True


def all_took_part(server: Deployment, number: int) -> bool:
    """Whether the kernel gave each front end its part; its CPU time tells."""
    pids = server.pids("penstock.frontend")
    assert len(pids) == NUM_FRONTENDS
    begun = [
        int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11]) for pid in pids
    ]
    return min(begun) * 20 > max(begun)


@pytest.mark.slow
def test_a_killed_engine_and_a_killed_front_end_let_nobody_in_twice(tmp_path: Path) -> None:
    file = key_file(tmp_path / "keys.toml", ["ann", "bob"], (30, 1), 1000)
    with Deployment("--no-access-log", "--api-server-count", "2", "--api-key-file", file) as server:
        first = asyncio.run(crowd(server.url, ["ann"], 20))
        assert granted(first) == {"ann": 20}
        server.wait_until(lambda: num_requests_kept(server, "ann") == 20, 60)
        for program in ("penstock.engine_core", "penstock.frontend"):
            restart(server, program)
        second = asyncio.run(crowd(server.url, ["ann"], 40))
        assert granted(second) == {"ann": 10}


def num_requests_kept(server: Deployment, key: str) -> int:
    """As the engine core has written down beside its socket."""
    (engine,) = server.pids("penstock.engine_core")
    prefix = "--endpoint=ipc://"
    (endpoint,) = (word for word in command_line(engine) if word.startswith(prefix))
    file = Path(endpoint.removeprefix(prefix)).with_name("limits.json")
    counts = json.loads(file.read_text())["counts"] if file.exists() else {}
    return sum(number for _, number in counts.get(key, {}).get("requests_per_day", []))


def restart(server: Deployment, program: str) -> None:
    """Kills a process of that program, and waits until another is in its place."""
    pid, *_ = before = server.pids(program)
    os.kill(pid, signal.SIGKILL)
    server.wait_until(lambda: pid not in server.pids(program), 60)
    server.wait_until(lambda: len(server.pids(program)) == len(before), 60)
    server.wait_until(server.is_whole, 60)
