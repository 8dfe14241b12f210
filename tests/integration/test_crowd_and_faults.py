"""Many streams at once, and what a killed process costs: its own connections, nobody else's."""

import asyncio
import json
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from support.deployment import Deployment, client_ports, listens, processor_s

NUM_STREAMS = 200
QUESTIONS = [
    "Hello!",
    "What is 12 + 34?",
    "你好",
    "Tell me a story.",
    "Count from 1 to 20.",
    "What is Penstock?",
]


@dataclass
class Stream:
    """One streamed request as its client saw it."""

    body: dict[str, Any]
    port: int = 0
    text: str = ""
    finish: str | None = None
    done: bool = False
    error: str = ""
    is_over: bool = False
    times: list[float] = field(default_factory=list)


def bodies(count: int, max_tokens: int) -> list[dict[str, Any]]:
    """Greedy and sampled, chat and completion, with and without a seed's twin."""
    made: list[dict[str, Any]] = []
    for i in range(count):
        common = {
            "max_tokens": max_tokens,
            "stream": True,
            "seed": i,
            "temperature": (0, 0.8, 1.2)[i % 3],
        }
        question = QUESTIONS[i % len(QUESTIONS)]
        if i % 4 == 3:
            made.append({**common, "prompt": question, "ignore_eos": True})
        else:
            made.append(
                {
                    **common,
                    "messages": [{"role": "user", "content": question}],
                    "ignore_eos": i % 2 == 0,
                }
            )
    return made


async def stream(server: Deployment, seen: Stream) -> None:
    """Speaks HTTP itself, so that the port of the connection is known whatever becomes of it."""
    body = seen.body
    path = "/v1/chat/completions" if "messages" in body else "/v1/completions"
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        seen.port = writer.get_extra_info("sockname")[1]
        writer.write(head.encode() + data)
        status = await reader.readline()
        assert not status or b" 200 " in status, status + await reader.read()
        async for line in reader:
            take(seen, line)
        writer.close()
    except OSError as error:
        seen.error = repr(error)
    finally:
        seen.is_over = True


def take(seen: Stream, line: bytes) -> None:
    """One line of an SSE body."""
    if not line.startswith(b"data: "):
        return
    if line.strip() == b"data: [DONE]":
        seen.done = True
        return
    chunk = json.loads(line[6:])
    assert "error" not in chunk, chunk
    for choice in chunk["choices"]:
        seen.text += choice.get("delta", choice).get("content", choice.get("text")) or ""
        seen.finish = choice["finish_reason"] or seen.finish
        seen.times.append(time.monotonic())


async def crowd(
    server: Deployment, requests: list[dict[str, Any]], during: Any = None
) -> list[Stream]:
    """All requests at once, each on a connection of its own; `during` may watch the streams."""
    streams = [Stream(body) for body in requests]
    tasks = [asyncio.create_task(stream(server, one)) for one in streams]
    if during:
        await during(streams)
    await asyncio.gather(*tasks)
    return streams


def reference(server: Deployment, requests: list[dict[str, Any]]) -> list[str]:
    """The same requests, not streamed."""

    async def one(session: aiohttp.ClientSession, body: dict[str, Any]) -> str:
        path = "/v1/chat/completions" if "messages" in body else "/v1/completions"
        async with session.post(server.url + path, json={**body, "stream": False}) as response:
            choice = (await response.json())["choices"][0]
            return str(choice["message"]["content"] if "message" in choice else choice["text"])

    async def all_of_them() -> list[str]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as session:
            return list(await asyncio.gather(*(one(session, body) for body in requests)))

    return asyncio.run(all_of_them())


def are_all_taken(server: Deployment, streams: list[Stream]) -> bool:
    """Some front end holds the connection of each stream that goes on, and some have begun."""
    held: set[int] = set()
    for pid in server.pids("penstock.frontend"):
        held |= client_ports(pid, server.port)
    return any(s.times for s in streams) and all(s.is_over or s.port in held for s in streams)


def is_back(server: Deployment, killed_pid: int) -> bool:
    living = [pid for pid in server.pids("penstock.frontend") if pid != killed_pid]
    return len(living) == 2 and all(listens(pid, server.port) for pid in living)


@pytest.mark.slow
def test_a_killed_front_end_breaks_its_own_connections_only(exact: Deployment) -> None:
    requests = bodies(NUM_STREAMS, max_tokens=48)
    calm = asyncio.run(crowd(exact, requests))
    assert [s.error for s in calm if s.error] == []
    assert all(s.done and s.finish for s in calm)
    assert [s.text for s in calm] == reference(exact, requests)

    victims: set[int] = set()
    back_s = [0.0]

    async def kill_one(streams: list[Stream]) -> None:
        while not are_all_taken(exact, streams):
            await asyncio.sleep(0.05)
        pid = exact.pids("penstock.frontend")[0]
        victims.update(client_ports(pid, exact.port))
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.to_thread(exact.wait_until, lambda: is_back(exact, pid), 120)
        back_s[0] = time.monotonic() - killed

    stormy = asyncio.run(crowd(exact, requests, during=kill_one))
    broken = {s.port for s in stormy if not s.done}
    print(
        f"{len(broken)} of {NUM_STREAMS} streams broke, of {len(victims)} open at the killed front end; "
    )
    started_by_s = processor_s(exact.pids("penstock.frontend")[-1])
    print(f"it was back after {back_s[0]:.2f} s, {started_by_s:.2f} s of a processor until now")
    assert victims, "the killed front end held no connection"
    assert broken <= victims
    assert [s.text for s in stormy if s.done] == [
        c.text for c, s in zip(calm, stormy, strict=True) if s.done
    ]
    assert min(back_s[0], started_by_s) < 4.0, (
        "busy neighbours aside, it is back within two seconds, and four on a slow processor"
    )
    exact.wait_until(lambda: exact.metric("vllm:num_requests_running") == 0, 60)


@pytest.mark.slow
@pytest.mark.parametrize("program", ["penstock.workers", "penstock.engine_core"])
def test_streams_outlive_a_killed_worker_and_a_killed_engine(
    program: str, exact: Deployment
) -> None:
    requests = bodies(12, max_tokens=400)
    calm = reference(exact, requests)
    (victim,) = exact.pids(program)

    async def kill_one(streams: list[Stream]) -> None:
        while not any(s.times for s in streams):
            await asyncio.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    stormy = asyncio.run(crowd(exact, requests, during=kill_one))
    assert [s.error for s in stormy if s.error] == []
    assert [s.text for s in stormy] == calm
    assert victim not in exact.pids(program), "it was killed while they ran"
    exact.wait_until(exact.is_whole, 60)


def test_a_client_that_leaves_frees_its_slot(brook: Deployment) -> None:
    async def leave() -> None:
        async with aiohttp.ClientSession() as session:
            body = {"prompt": "Hello", "max_tokens": 1500, "ignore_eos": True, "stream": True}
            url, headers = f"{brook.url}/v1/completions", {"X-Request-Id": "who-leaves"}
            async with session.post(url, json=body, headers=headers) as response:
                await response.content.readany()

    def one() -> Any:
        return brook.get("/v1/requests/who-leaves")[1]["sequences"][0]

    asyncio.run(leave())
    brook.wait_until(lambda: one()["finish_reason"] is not None, 60)
    assert one()["finish_reason"] == "abort"
    assert one()["output_tokens"] < 1500
    brook.wait_until(lambda: brook.metric("vllm:num_requests_running") == 0, 60)
