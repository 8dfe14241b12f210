"""A worker as engine-core starts it: its life, its faults and its death."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.grammars import TOKENIZER, constrained, text_of
from support.tiny_decoder import write_tiny_model
from support.worker_process import WorkerProcess, worker_argv

from penstock.protocol.constraint import Constraint
from penstock.protocol.plan import (
    BlockGrant,
    Configure,
    Prepare,
    Prepared,
    Release,
    SeqStart,
    Shutdown,
    StepPlan,
    StepResult,
    WorkerFault,
    WorkerHello,
    WorkerReady,
)
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import count, pack, unpack

DUMMY = ("--load-format", "dummy", "--kv-cache-memory-bytes", "1MiB")
PATIENCE_S = 120.0


def first_plan() -> StepPlan:
    start = SeqStart(1, pack([5, 6, 7]), 3, 0, SamplingParams(4))
    return StepPlan(0, pack([1]), pack([3]), [start], [BlockGrant(1, pack([2]))])


def is_alive(pid: int) -> bool:
    """A zombie that nobody has waited for is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_from_hello_to_shutdown(tmp_path: Path) -> None:
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *DUMMY) as worker:
        hello = worker.receive()
        assert isinstance(hello, WorkerHello)
        assert hello.pid == worker.process.pid
        assert (hello.dtype, hello.vocab_size, hello.max_position) == ("float32", 97, 256)
        assert hello.device == ("cuda" if torch.cuda.is_available() else "cpu")
        assert hello.kv_bytes_available == 1 << 20
        # Keys of 8 numbers, values of 8 that native kernels pad to 16; two layers, two heads.
        assert hello.kv_bytes_per_token == 2 * 2 * (8 + 16) * 4
        worker.send(Configure(16, 16, 4, 64, 32))
        assert worker.receive() == WorkerReady(0)
        worker.process.send_signal(signal.SIGINT)  # a Ctrl-C is the engine core's business
        worker.send(first_plan())
        worker.send(StepPlan(1, pack([1]), pack([1])))  # before the first is answered
        worker.send(StepPlan(2, b"", b"", frees=pack([1])))
        results = [worker.receive() for _ in range(3)]
        assert all(isinstance(result, StepResult) for result in results)
        assert [(r.step, count(r.token_ids)) for r in results if isinstance(r, StepResult)] == [
            (0, 1),
            (1, 1),
            (2, 0),
        ]
        worker.send(Shutdown())
        assert worker.process.wait(PATIENCE_S) == 0


def test_constraints_are_prepared_beside_the_steps_and_enforced(tmp_path: Path) -> None:
    good, bad = Constraint("choice", '["ja"]'), Constraint("regex", "(")
    with WorkerProcess(TOKENIZER.parent, "--kv-cache-memory-bytes", "64MiB") as worker:
        worker.receive()
        worker.send(Configure(64, 16, 4, 64, 32))
        worker.receive()
        worker.send(Prepare(1, good))
        worker.send(Prepare(2, bad))
        worker.send(constrained_plan(good, bad))
        worker.send(StepPlan(1, pack([0, 1]), pack([1, 1])))
        worker.send(Release([1, 2]))
        received = [worker.receive() for _ in range(4)]
        prepared = {m.id: m.error for m in received if isinstance(m, Prepared)}
        assert prepared[1] == ""
        assert "unclosed group" in prepared[2]
        results = [message for message in received if isinstance(message, StepResult)]
        assert text_of([unpack(result.token_ids)[0] for result in results]) == "ja"
        assert [[failure.row for failure in result.failures] for result in results] == [[1], [1]]
        worker.send(Shutdown())
        assert worker.process.wait(PATIENCE_S) == 0


def constrained_plan(*constraints: Constraint) -> StepPlan:
    slots = range(len(constraints))
    starts = [
        SeqStart(slot, pack([90, 91]), 2, 0, constrained(constraints[slot])) for slot in slots
    ]
    grants = [BlockGrant(slot, pack([slot])) for slot in slots]
    return StepPlan(0, pack(list(slots)), pack([2 for _ in slots]), starts, grants)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_gpu_that_is_asked_for_and_not_there_ends_the_start(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    with WorkerProcess(folder, *DUMMY, "--device", "cuda") as worker:
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert fault.final
        assert fault.message == "--device cuda: there is no CUDA device here that torch can use"
    with WorkerProcess(folder, *DUMMY, "--device", "cpu") as worker:
        assert isinstance(worker.receive(), WorkerHello)


def test_an_impossible_plan_is_a_fault(tmp_path: Path) -> None:
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *DUMMY) as worker:
        worker.receive()
        worker.send(Configure(16, 16, 4, 64, 32))
        worker.receive()
        worker.send(StepPlan(0, pack([3]), pack([1])))
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert "tokens nobody knows" in fault.message
        assert worker.process.wait(PATIENCE_S) == 1


def test_a_cache_beyond_all_memory_is_a_fault_that_names_the_flags(tmp_path: Path) -> None:
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *DUMMY) as worker:
        worker.receive()
        worker.send(Configure(1 << 40, 16, 4, 64, 32))
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert fault.message.startswith("out of memory")
        assert "--kv-cache-memory-bytes" in fault.advice
        assert not fault.final


def test_a_cache_in_fp8_serves_on_torch(tmp_path: Path) -> None:
    flags = (*DUMMY, "--kv-cache-dtype", "fp8", "--batch-invariant")
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *flags) as worker:
        hello = worker.receive()
        assert isinstance(hello, WorkerHello)
        assert hello.kv_bytes_per_token == 256 // 4
        worker.send(Configure(16, 16, 4, 64, 32))
        assert worker.receive() == WorkerReady(0)
        worker.send(first_plan())
        result = worker.receive()
        assert isinstance(result, StepResult)
        assert count(result.token_ids) == 1


def test_a_cache_in_fp8_is_a_fault_where_native_kernels_are_wanted(tmp_path: Path) -> None:
    flags = (*DUMMY, "--kv-cache-dtype", "fp8", "--cpu-kernels", "native")
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *flags) as worker:
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert "--cpu-kernels native is not possible here: --kv-cache-dtype fp8" in fault.message
        assert fault.final


@pytest.mark.parametrize("quantization", ["int8", "int4", "fp8"])
def test_rounded_weights_on_torch(quantization: str, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny", hidden_size=64, intermediate_size=64, head_dim=16)
    flags = (*DUMMY, "--quantization", quantization, "--cpu-kernels", "reference")
    with WorkerProcess(model, *flags) as worker:
        hello = worker.receive()
        assert isinstance(hello, WorkerHello)
        assert 30_000 < hello.weights_bytes < 60_000 * 1.2  # of 60 thousand numbers
        worker.send(Configure(16, 16, 4, 64, 32))
        assert worker.receive() == WorkerReady(0)
        worker.send(first_plan())
        assert isinstance(worker.receive(), StepResult)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("fp8",), "native CPU kernels round to int8 and int4; fp8 is for GPUs"),
        (("int8", "--cpu-kernels", "reference"), "multiple of 32: (32, 32, 48)"),
        (("int8",), "a width of the model is not a multiple of 32: (32, 32, 48)"),
    ],
)
def test_weights_that_cannot_be_rounded_are_a_fault(
    flags: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    model = write_tiny_model(tmp_path / "tiny")
    with WorkerProcess(model, *DUMMY, "--quantization", *flags) as worker:
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert fault.message.startswith(f"--quantization {flags[0]} is not possible here: ")
        assert reason in fault.message


def test_a_missing_model_is_a_fault_that_names_the_place(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "nowhere") as worker:
        fault = worker.receive()
        assert isinstance(fault, WorkerFault)
        assert str(tmp_path / "nowhere") in fault.message
        assert worker.process.wait(PATIENCE_S) == 1


def test_sigterm_ends_a_waiting_worker(tmp_path: Path) -> None:
    with WorkerProcess(write_tiny_model(tmp_path / "tiny"), *DUMMY) as worker:
        worker.receive()
        worker.process.terminate()
        assert worker.process.wait(PATIENCE_S) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel for it")
def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    link = theirs.fileno()
    argv = worker_argv(link, write_tiny_model(tmp_path / "tiny"), *DUMMY)
    start = f"subprocess.Popen({argv!r}, pass_fds=[{link}])"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; print({start}.pid, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[link],
    )
    with parent, ours, theirs:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        ours.settimeout(PATIENCE_S)
        assert ours.recv(1), "it speaks after the first lines of main, which ask for the signal"
        assert is_alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)
