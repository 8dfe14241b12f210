"""engine-core with limits as a real process: what front ends are told, whoever of them or of the engines dies."""

import itertools
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.engine import Engine, FrontEnd

from penstock.protocol import metrics
from penstock.protocol.messages import (
    Control,
    ControlVerb,
    RefusalCode,
    Reserve,
    Result,
    Settle,
    Tokens,
    Verdict,
    Welcome,
)
from penstock.protocol.metrics import series_key
from penstock.protocol.sampling import SamplingParams

PROMPT = list(range(10))
KEYS = """
[[keys]]
name = "a"
key = "k"
quotas = { requests_per_day = 5, tokens_per_day = 1000, max_concurrent = 3 }
"""
_IDS = itertools.count(1000)


def key_file(folder: Path, text: str = KEYS) -> str:
    path = folder / "keys.toml"
    path.write_text(text)
    return str(path)


def reserve(frontend: FrontEnd, possible: int = 20, **fields: Any) -> Verdict:
    frontend.send(Reserve(next(_IDS), "a", len(PROMPT), possible, **fields))
    return frontend.receive_a(Verdict)


def remaining_tokens(frontend: FrontEnd) -> int:
    """By a request that is too large."""
    verdict = reserve(frontend, 10**6)
    assert not verdict.is_granted
    assert verdict.tokens is not None
    return verdict.tokens.remaining


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_front_ends_share_one_ledger_and_pay_what_they_used(tmp_path: Path) -> None:
    with (
        Engine("--api-key-file", key_file(tmp_path)) as engine,
        FrontEnd(engine) as one,
        FrontEnd(engine, "other") as two,
    ):
        assert one.join().limits.is_metered
        two.join()
        granted = reserve(one)
        assert granted.is_granted
        assert (granted.requests.remaining, granted.tokens.remaining) == (4, 970)  # type: ignore[union-attr]
        params = SamplingParams(max_tokens=20, stop_token_ids=tuple(range(64)))
        answer = one.collect(one.ask(PROMPT, params, reservation=granted.id))
        assert len(answer.tokens) == 1
        one.send(Settle([granted.id]))
        until(lambda: remaining_tokens(two) == 989)
        others = [reserve(frontend) for frontend in (one, two, one, two)]
        assert [v.is_granted for v in others] == [True] * 3 + [False]
        assert "3 requests of 'a' are open already" in others[-1].message
        assert others[-1].retry_after_s == 1.0
        one.send(Control(1, ControlVerb.METRICS))
        counters = metrics.decode(one.receive_a(Result).payload).counters
        assert counters[series_key("penstock:key_tokens_total", ["a"])] == 11
        assert counters[series_key("penstock:rate_limited_total", ["max_concurrent"])] == 1


def test_a_front_end_that_is_gone_keeps_no_place(tmp_path: Path) -> None:
    with (
        Engine("--api-key-file", key_file(tmp_path), worker=("--step-s", "0.01")) as engine,
        FrontEnd(engine, "watcher") as watcher,
    ):
        watcher.join()
        frontend = FrontEnd(engine)
        frontend.join()
        granted = reserve(frontend, 900)
        frontend.ask(PROMPT, SamplingParams(max_tokens=900), reservation=granted.id)
        frontend.receive_a(Tokens)
        assert remaining_tokens(watcher) == 90
        frontend.context.destroy(0)
        until(lambda: watcher.stats().num_running == 0)
        until(lambda: remaining_tokens(watcher) > 90)
        assert remaining_tokens(watcher) < 990, "what was generated is paid for"


def test_who_does_not_reserve_is_counted_all_the_same(tmp_path: Path) -> None:
    with Engine("--api-key-file", key_file(tmp_path)) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        params = SamplingParams(max_tokens=3)
        for _ in range(5):
            assert len(frontend.collect(frontend.ask(PROMPT, params, tenant="a")).tokens) == 3
        refused = frontend.collect(frontend.ask(PROMPT, params, tenant="a")).refused
        assert refused is not None
        assert refused.code is RefusalCode.OVERLOADED
        assert "5 requests per day of 'a' is used up" in refused.message
        assert refused.retry_after_s > 80_000
        assert len(frontend.collect(frontend.ask(PROMPT, params, tenant="b")).tokens) == 3


def test_counts_outlive_an_engine_that_is_killed(tmp_path: Path) -> None:
    """What was settled stands in the file; what was open its front end tells."""
    with Engine("--api-key-file", key_file(tmp_path)) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        over = reserve(frontend)
        params = SamplingParams(max_tokens=20)
        frontend.collect(frontend.ask(PROMPT, params, reservation=over.id))
        frontend.send(Settle([over.id]))
        open_still = reserve(frontend)
        assert remaining_tokens(frontend) == 940
        until(lambda: num_tokens_kept(engine) == 30)
        engine.process.send_signal(signal.SIGKILL)
        engine.process.wait()
        engine.start()
        frontend.join()
        assert remaining_tokens(frontend) == 970
        frontend.send(Reserve(open_still.id, "a", len(PROMPT), 20, resumes=True))
        assert frontend.receive_a(Verdict).is_granted
        assert remaining_tokens(frontend) == 940
        granted = [reserve(frontend, 0) for _ in range(4)]
        assert [v.is_granted for v in granted] == [True, True, False, False], "three are open"


def num_tokens_kept(engine: Engine) -> int:
    """By holder "a", as the file says."""
    file = engine.folder / "limits.json"
    counts = json.loads(file.read_text())["counts"] if file.exists() else {}
    return sum(amount for _, amount in counts.get("a", {}).get("tokens_per_day", []))


def test_limits_may_change_while_it_runs(tmp_path: Path) -> None:
    path = key_file(tmp_path, '[[keys]]\nname = "a"\nkey = "k"')
    with Engine("--api-key-file", path) as engine, FrontEnd(engine) as frontend:
        assert not frontend.join().limits.is_metered
        frontend.stats()  # behind the welcomes to every hello of `join`
        key_file(tmp_path)
        assert frontend.receive_a(Welcome).limits.is_metered
        assert reserve(frontend).is_granted
        key_file(tmp_path, "nonsense")
        engine.process.send_signal(signal.SIGHUP)
        until(lambda: "the keys of before go on to hold" in engine.log())
        assert reserve(frontend).is_granted
        key_file(tmp_path, KEYS.replace("= 5", "= 2"))
        engine.process.send_signal(signal.SIGHUP)
        frontend.receive_a(Welcome)
        assert not reserve(frontend).is_granted


def test_a_hangup_without_a_file_is_an_end() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        engine.process.send_signal(signal.SIGHUP)
        assert engine.process.wait(60) == 0


def test_a_bad_file_ends_the_start(tmp_path: Path) -> None:
    with Engine("--api-key-file", key_file(tmp_path, "nonsense")) as engine:
        assert engine.process.wait(60) == 2
        assert "--api-key-file" in engine.log()
