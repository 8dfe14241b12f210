"""The benchmarks that start a server, as far as no server is needed."""

import os
import subprocess
import sys
import time
from functools import partial

import pytest
from support.openai_server import FakeOpenAI

from penstock.bench.commands import main
from penstock.bench.own_server import model_first
from penstock.bench.processes import descendants, resident_bytes
from penstock.bench.startup import Start, _look, median


def test_a_model_may_come_first() -> None:
    assert model_first(["brook", "--dtype", "half"]) == ["--model", "brook", "--dtype", "half"]
    assert model_first(["--dtype", "half"]) == ["--dtype", "half"]


@pytest.mark.parametrize("command", ["latency", "throughput", "startup"])
def test_a_flag_nobody_knows_ends_it_before_the_start(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "brook", "--max-num-seqz", "4"])
    assert ended.value.code == 2
    assert "did you mean '--max-num-seqs'?" in capsys.readouterr().err


def test_latency_of_a_server_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOpenAI(first_s=0.05) as server:
        argv = ["--batch-size", "3", "--num-iters", "2", "--num-iters-warmup", "1"]
        assert main(["latency", "--base-url", server.url, *argv, "--output-len", "2"]) == 0
    assert len(server.seen) == 9
    assert len({tuple(body["prompt"]) for body in server.seen}) == 9
    told = capsys.readouterr().out
    mean = float(told.split("Avg latency: ")[1].split()[0])
    assert 0.05 <= mean < 2
    assert "99% percentile latency" in told


def test_a_batch_that_fails_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOpenAI(fails={1: 503}) as server:
        assert main(["latency", "--base-url", server.url, "--batch-size", "2"]) == 1
    assert "HTTP 503" in capsys.readouterr().err


def test_throughput_of_a_server_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOpenAI() as server:
        argv = ["--num-prompts", "5", "--input-len", "4", "--output-len", "3", "--num-warmups", "2"]
        assert main(["throughput", "--base-url", server.url, *argv]) == 0
    assert len(server.seen) == 7
    told = capsys.readouterr().out
    assert "Total num prompt tokens:  35" in told
    assert "Total num output tokens:  15" in told


def test_nothing_is_passed_on_to_a_server_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", "--base-url", "http://127.0.0.1:1", "--dtype", "half"]) == 2
    assert "--dtype" in capsys.readouterr().err


def test_memory_is_told_for_a_process_and_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in descendants(os.getpid())
        sizes = [size for _, size in resident_bytes(os.getpid())]
        child.kill()
    assert len(sizes) >= 2
    assert sizes[0] > 1 << 20


def test_a_child_without_a_program_of_its_own_is_its_parent_still() -> None:
    code = "import os\nif os.fork(): print('forked', flush=True)\ninput()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"forked\n"
        assert descendants(parent.pid) == []
        assert len(resident_bytes(parent.pid)) == 1
        parent.communicate(b"\n\n")


def test_no_step_is_missed_that_is_reached_while_another_is_looked_at() -> None:
    reached, seen, started = set[str](), dict[str, float](), time.monotonic()

    def looked_at(step: str) -> bool:
        """Each look takes long enough for all that is left."""
        was_reached = step in reached
        reached.update(("worker", "ready"))
        return was_reached

    conditions = {step: partial(looked_at, step) for step in ("worker", "ready")}
    while "ready" not in seen:
        _look(conditions, seen, started)
    assert list(seen) == ["worker", "ready"]
    assert seen["worker"] <= seen["ready"]


def test_a_median_over_those_that_were_seen() -> None:
    starts = [Start({"ready": s}, []) for s in (1.0, 5.0, 2.0)]
    assert median(starts, "ready") == 2.0
    assert median(starts, "worker") is None
