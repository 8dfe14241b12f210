"""engine-core as a real process over ipc: what a front end sees, whatever happens behind or beside it."""

import time
from pathlib import Path

import pytest
from support.engine import Engine, FrontEnd
from support.paper_model import whole_output

from penstock.protocol import metrics
from penstock.protocol.messages import (
    Abort,
    Control,
    ControlVerb,
    Embed,
    FinishReason,
    Goodbye,
    Hello,
    Leave,
    Ping,
    Pong,
    RefusalCode,
    Refused,
    Result,
    Tokens,
    Welcome,
)
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack

LONG = SamplingParams(max_tokens=100_000)
PROMPT = list(range(40))


def expected(prompt: list[int], params: SamplingParams) -> list[int]:
    return whole_output(prompt, params, 2048)[0]


def wait_for(condition, timeout_s: float = 60) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("flag", ["--async-scheduling", "--no-async-scheduling"])
def test_a_request_gets_its_tokens_and_a_second_one_finds_the_prefix(flag: str) -> None:
    with Engine(flag) as engine, FrontEnd(engine) as frontend:
        welcome = frontend.join()
        assert welcome.card.max_model_len == 2048
        assert (welcome.limits.num_blocks, welcome.limits.max_num_seqs) == (1000, 64)
        params = SamplingParams(max_tokens=20, seed=5)
        first = frontend.collect(frontend.ask(PROMPT, params))
        assert (first.tokens, first.finish) == (expected(PROMPT, params), FinishReason.LENGTH)
        assert first.num_cached == 0
        second = frontend.collect(frontend.ask(PROMPT, params))
        assert (second.tokens, second.num_cached) == (first.tokens, 32)
        frontend.send(Control(9, ControlVerb.RESET_PREFIX_CACHE))
        assert frontend.receive_a(Result) == Result(9, b"\x01")
        assert frontend.collect(frontend.ask(PROMPT, params)).num_cached == 0
        answer = frontend.collect(frontend.ask(PROMPT, params, emitted=pack(first.tokens[:7])))
        assert (answer.offset, answer.tokens) == (7, first.tokens[7:])


def test_totals_tell_how_fast_it_goes_on_the_engines_own_clock() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        before = frontend.stats()
        assert before.clock_s > 0
        assert (before.num_prefilled_tokens, before.num_generated_tokens) == (0, 0)
        params = SamplingParams(max_tokens=20, seed=5)
        first = frontend.collect(frontend.ask(PROMPT, params))
        after = frontend.stats()
        assert after.clock_s > before.clock_s
        assert (after.num_prefilled_tokens, after.num_generated_tokens) == (40, 20)
        assert (after.num_queried_tokens, after.num_hit_tokens) == (40, 0)
        frontend.collect(frontend.ask(PROMPT, params))
        again = frontend.stats()
        assert (again.num_prefilled_tokens, again.num_generated_tokens) == (48, 40)
        assert (again.num_queried_tokens, again.num_hit_tokens) == (80, 32)
        frontend.collect(frontend.ask(PROMPT, params, emitted=pack(first.tokens[:7])))
        assert frontend.stats().num_generated_tokens == 53, "those of another engine do not count"
        assert again.num_preemptions == 0


def test_what_cannot_be_served_is_refused_with_its_reason() -> None:
    with (
        Engine(
            "--max-num-queued-reqs", "1", "--max-num-seqs", "1", worker=("--step-s", "0.02")
        ) as engine,
        FrontEnd(engine) as frontend,
    ):
        frontend.join()
        frontend.send(Embed(77, pack([1])))
        assert frontend.receive_a(Refused).code is RefusalCode.UNSUPPORTED
        refused = frontend.collect(frontend.ask([1] * 2048, LONG)).refused
        assert refused is not None
        assert refused.code is RefusalCode.TOO_LONG
        assert "2048" in refused.message
        for bad in ([], [1]):
            refused = frontend.collect(frontend.ask(bad, LONG, attempt=3 * len(bad))).refused
            assert refused is not None
            assert refused.code is (RefusalCode.POISONED if bad else RefusalCode.MALFORMED)
        frontend.ask(PROMPT, LONG)
        frontend.receive_a(Tokens)
        frontend.ask(PROMPT, LONG)
        refused = frontend.collect(frontend.ask(PROMPT, LONG)).refused
        assert refused is not None
        assert refused.code is RefusalCode.OVERLOADED
        assert 1 <= refused.retry_after_s <= 60


def test_a_request_that_no_worker_can_compute_never_reaches_one() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        for fields in ({"logit_bias": {-1: 1.0}}, {"top_k": 1 << 63}, {"allowed_token_ids": (64,)}):
            hostile = frontend.ask(PROMPT, SamplingParams(max_tokens=5, **fields))
            refused = frontend.collect(hostile).refused
            assert refused is not None
            assert refused.code is RefusalCode.MALFORMED
            assert next(iter(fields)) in refused.message
        assert frontend.collect(frontend.ask([64], LONG)).refused is not None
        assert frontend.stats().num_running == 0


def test_a_deadline_drops_what_has_no_token_by_then() -> None:
    with (
        Engine("--max-num-seqs", "1", worker=("--step-s", "0.02")) as engine,
        FrontEnd(engine) as frontend,
    ):
        frontend.join()
        in_time = frontend.ask(PROMPT, LONG, deadline_s=60)
        frontend.receive_a(Tokens)
        too_late = frontend.ask(PROMPT, LONG, deadline_s=0.2)
        refused = frontend.collect(too_late).refused
        assert refused is not None
        assert refused.code is RefusalCode.DEADLINE
        stats = frontend.stats()
        assert (stats.num_running, stats.num_waiting) == (1, 0)
        frontend.send(Abort([in_time, 12345]))
        assert frontend.stats().num_running == 0


def test_nonsense_is_counted_and_refused_and_harms_nobody() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        not_utf8 = b"\x92\x07\xa2\xff\xfe"
        for nonsense in (b"", b"\xc1", b"\x91\x63", b"\x92\x02\x01", b"x" * 1000, not_utf8):
            frontend.socket.send(nonsense)
            refused = frontend.receive_a(Refused)
            assert (refused.id, refused.code) == (0, RefusalCode.MALFORMED)
        frontend.socket.send_multipart([b"a", b"b"])
        assert frontend.receive_a(Refused).id == 0
        frontend.send(Hello(99, "test", 1))
        refused = frontend.receive_a(Refused)
        assert "99" in refused.message
        assert "1" in refused.message
        frontend.send(Control(3, ControlVerb.METRICS))
        found = metrics.decode(frontend.receive_a(Result).payload)
        assert found.counters["penstock:malformed_messages_total"] == 8
        params = SamplingParams(max_tokens=3)
        assert frontend.collect(frontend.ask([5], params)).tokens == expected([5], params)


def test_a_stranger_is_told_to_say_hello() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.send(Ping(1))
        assert isinstance(frontend.receive(), Goodbye)
        frontend.join()
        frontend.send(Ping(2))
        assert frontend.receive_a(Pong).seq == 2


def test_front_ends_are_heard_while_the_model_loads_and_welcomed_after() -> None:
    with Engine(worker=("--load-s", "2.0")) as engine, FrontEnd(engine) as frontend:
        frontend.send(frontend.hello)
        frontend.send(Ping(4))
        assert isinstance(frontend.receive(), Pong)
        while not isinstance(message := frontend.receive(), Welcome):
            assert isinstance(message, Pong)
            frontend.send(Ping(5))


@pytest.mark.parametrize("how", ["silence", "epoch", "leave", "disconnect"])
def test_a_front_end_that_is_gone_takes_its_requests_along(how: str) -> None:
    """Those who say so, or whose connection ends, long before their silence would tell."""
    silence_s = 3.0 if how == "silence" else 60.0
    with (
        Engine(worker=("--step-s", "0.02"), silence_s=silence_s) as engine,
        FrontEnd(engine, "watcher") as watcher,
    ):
        watcher.join()
        frontend = FrontEnd(engine)
        frontend.join()
        frontend.ask(PROMPT, LONG)
        frontend.receive_a(Tokens)
        assert watcher.stats().num_running == 1
        if how == "epoch":
            with FrontEnd(engine, epoch=2) as successor:
                successor.join()
                assert watcher.stats().num_running == 0
        elif how == "leave":
            frontend.send(Leave("done"))
        elif how == "disconnect":
            frontend.context.destroy(0)
        wait_for(lambda: watcher.stats().num_running == 0, 30)
        frontend.context.destroy(0)


@pytest.mark.parametrize("how", ["--crash-after", "--hang-after"])
def test_a_stream_outlives_its_worker(how: str) -> None:
    with (
        Engine("--step-timeout-s", "3", worker=(how, "30")) as engine,
        FrontEnd(engine) as frontend,
    ):
        frontend.join()
        params = SamplingParams(max_tokens=100, seed=3)
        ids = [frontend.ask([i, *PROMPT], params) for i in range(3)]
        answer = frontend.collect(ids[0])
        assert answer.tokens == expected([0, *PROMPT], params)
        frontend.send(Control(3, ControlVerb.METRICS))
        found = metrics.decode(frontend.receive_a(Result).payload)
        assert found.counters["penstock:worker_restarts_total"] == 1


def test_a_request_that_kills_workers_fails_alone() -> None:
    with (
        Engine(worker=("--poison", "63", "--step-s", "0.01")) as engine,
        FrontEnd(engine) as frontend,
    ):
        frontend.join()
        params = SamplingParams(max_tokens=150, seed=3)
        innocent = frontend.ask(PROMPT, params)
        frontend.receive_a(Tokens)
        poison = frontend.ask([63, 1, 2], params)
        refused = frontend.collect(poison).refused
        assert refused is not None
        assert refused.code is RefusalCode.POISONED
        bystander = frontend.ask([7, 7], params)
        assert frontend.collect(bystander).tokens == expected([7, 7], params)
        assert frontend.stats().num_running == 0
        assert innocent


def test_the_engine_gives_up_workers_that_never_start() -> None:
    with Engine(worker=("--fault-at-start", "99")) as engine:
        assert engine.process.wait(60) == 1
        assert "ask for less" in engine.log()
        assert "giving up" in engine.log()


def test_a_refusal_is_final_and_said_once() -> None:
    with Engine(worker=("--refuse", "no model is split so")) as engine:
        assert engine.process.wait(60) == 2
        assert engine.log().count("no model is split so") == 1


def test_two_failed_starts_are_forgiven() -> None:
    with Engine(worker=("--fault-at-start", "2")) as engine, FrontEnd(engine) as frontend:
        frontend.join()


def test_sigterm_lets_running_requests_finish() -> None:
    with Engine(worker=("--step-s", "0.01")) as engine, FrontEnd(engine) as frontend:
        frontend.join()
        params = SamplingParams(max_tokens=300)
        running = frontend.ask(PROMPT, params)
        frontend.receive_a(Tokens)
        engine.process.terminate()
        wait_for(lambda: frontend.stats().draining)
        late = frontend.ask(PROMPT, params)
        assert frontend.receive_a(Refused).code is RefusalCode.DRAINING
        assert late != running
        frontend.receive_a(Goodbye)
        assert engine.process.wait(60) == 0


def test_a_successor_engine_continues_a_stream() -> None:
    with (
        Engine("--drain-timeout-s", "0", worker=("--step-s", "0.01")) as engine,
        FrontEnd(engine) as frontend,
    ):
        epoch = frontend.join().engine_epoch
        params = SamplingParams(max_tokens=60, seed=8, presence_penalty=0.5)
        frontend.ask(PROMPT, params)
        emitted = frontend.receive_a(Tokens).deltas[0].token_ids
        assert engine.terminate() == 0
        frontend.receive_a(Goodbye)
        engine.start()
        assert frontend.join().engine_epoch > epoch
        again = frontend.ask(PROMPT, params, emitted=emitted, attempt=1)
        answer = frontend.collect(again)
        assert answer.offset == len(emitted) // 4
        assert answer.tokens == expected(PROMPT, params)[answer.offset :]


def test_nobody_spins_when_idle() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        before, began = engine.cpu_s(), time.monotonic()
        while time.monotonic() - began < 1.0:
            frontend.stats()
            time.sleep(0.1)
        assert engine.cpu_s() - before < 0.2, "it would be a second"


def test_workers_die_with_a_killed_engine() -> None:
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        (worker,) = engine.worker_pids()
        engine.process.kill()
        engine.process.wait()
        wait_for(lambda: not is_alive(worker))


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_max_model_len_that_cannot_fit_is_an_error_with_advice() -> None:
    with Engine("--max-model-len", "2000", worker=("--kv-bytes", "65536")) as engine:
        assert engine.process.wait(60) == 2
        assert "--kv-cache-memory-bytes" in engine.log()


def test_an_endpoint_too_long_for_a_socket_is_an_error_with_advice(
    tmp_path: Path,
) -> None:
    deep = tmp_path / ("d" * 107)
    deep.mkdir(mode=0o700)
    with Engine("--endpoint", f"ipc://{deep}/engine") as engine:
        assert engine.process.wait(60) == 2
        assert "--endpoint" in engine.log()
        assert "107" in engine.log()
        assert "Traceback" not in engine.log()


def test_the_engine_never_loads_tensors() -> None:
    """Nor does running it: the process's memory map names no torch and no numpy."""
    with Engine() as engine, FrontEnd(engine) as frontend:
        frontend.join()
        with open(f"/proc/{engine.process.pid}/maps") as maps:
            mapped = maps.read()
        assert "torch" not in mapped
        assert "numpy" not in mapped
