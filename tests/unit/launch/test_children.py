"""Keeping a program running: restarts, giving up, stopping."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import pytest

from penstock import children
from penstock.children import Child, describe


def _child(code: str, give_up: bool = False, environ: dict[str, str] | None = None) -> Child:
    return Child("test", [sys.executable, "-c", code], lambda status: give_up, environ)


def _count_starts(path: Path) -> str:
    return f"open({str(path)!r}, 'a').write('x'); import time; time.sleep(60)"


async def _until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    starts = tmp_path / "starts"

    async def scenario() -> None:
        child = _child(_count_starts(starts))
        running = asyncio.create_task(child.run())
        await _until(lambda: starts.exists() and starts.read_text() == "x")
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await _until(lambda: starts.read_text() == "xx")
        child.stop()
        assert await running == -signal.SIGTERM
        assert child.restarts == 1

    asyncio.run(scenario())


def test_a_final_end_is_not_restarted() -> None:
    assert asyncio.run(_child("raise SystemExit(3)", give_up=True).run()) == 3


def test_restarts_slow_down(tmp_path: Path) -> None:
    starts = tmp_path / "starts"

    async def scenario() -> None:
        child = _child(f"open({str(starts)!r}, 'a').write('x')")
        running = asyncio.create_task(child.run())
        await _until(lambda: child.restarts >= 4)
        child.stop()
        await running

    begun = asyncio.run(_timed(scenario()))
    assert begun > 0.05 + 0.1 + 0.2 + 0.4


def test_a_stop_is_heard_by_a_program_that_has_hardly_begun() -> None:
    async def scenario() -> None:
        child = _child("import time; time.sleep(60)")
        running = asyncio.create_task(child.run())
        await asyncio.sleep(0)
        child.stop()
        async with asyncio.timeout(30):
            assert await running == -signal.SIGTERM

    asyncio.run(scenario())


def test_a_stop_is_heard_in_the_pause_before_a_restart(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "FIRST_DELAY_S", 1000.0)

    async def scenario() -> None:
        child = _child("raise SystemExit(1)")
        running = asyncio.create_task(child.run())
        await _until(lambda: "restarting in 1000.00 s" in caplog.text)
        child.stop()
        async with asyncio.timeout(30):
            assert await running == 1

    asyncio.run(scenario())


async def _timed(work: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await work
    return loop.time() - begun


def test_a_secret_reaches_the_program_by_its_environment(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = f"import os; open({str(told)!r}, 'w').write(os.environ['PENSTOCK_API_KEY'])"
    asyncio.run(_child(code, give_up=True, environ={"PENSTOCK_API_KEY": "k"}).run())
    assert told.read_text() == "k"


def test_an_end_in_words() -> None:
    assert describe(-9) == "killed by SIGKILL"
    assert describe(1) == "exit status 1"


def test_what_it_writes_to_stderr_is_heard_to_the_end() -> None:
    heard: list[bytes] = []
    code = "import sys; sys.stderr.write('x' * 100_000); sys.stderr.write('the end'); sys.exit(2)"
    child = Child("test", [sys.executable, "-c", code], lambda _: True, hear=heard.append)
    assert asyncio.run(child.run()) == 2
    assert b"".join(heard) == b"x" * 100_000 + b"the end"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there are no child watchers any more")
def test_it_needs_no_child_watcher_of_the_programs_event_loop_policy() -> None:
    class Policy(asyncio.DefaultEventLoopPolicy):
        def get_child_watcher(self) -> NoReturn:
            raise NotImplementedError

    asyncio.set_event_loop_policy(Policy())
    try:
        assert asyncio.run(_child("raise SystemExit(3)", give_up=True).run()) == 3
    finally:
        asyncio.set_event_loop_policy(None)
