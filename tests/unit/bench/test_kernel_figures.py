"""What `penstock bench kernels` makes of seconds: samples, ceilings, shares, a table and JSON. No GPU is asked for."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from penstock.bench.kernels import ceilings, clocks
from penstock.bench.kernels.case import Case, Run, Work
from penstock.bench.kernels.ceilings import Ceilings, measure_ceilings
from penstock.bench.kernels.clocks import CudaClock, HostClock, num_flushes, num_samples
from penstock.bench.kernels.measure import OUT_OF_MEMORY, Measured, Times, measure
from penstock.bench.kernels.place import Place
from penstock.bench.kernels.report import as_json, heading, row
from penstock.bench.kernels.settings import parse

CPU = torch.device("cpu")
CEILINGS = Ceilings(copy_bytes=2e12, read_bytes=1.6e12, operations=5e14, launch_s=2e-6)
PLACE = Place("H9000", "9.0", 1 << 36, "bfloat16", False, "2.11", "3.6", "13.0", "abc")
WORK = Work(100_000_000, 10_000_000_000)
ONE = Measured(
    "silu_mul", "M", "tokens 9", WORK, Times(1e-4, 0.9e-4, 1.2e-4), Times(2e-4, 2e-4, 2e-4)
)


class FakeEvent:
    """Every run takes two milliseconds."""

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        pass

    def elapsed_time(self, end: "FakeEvent") -> float:
        return 2.0


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device with so little memory that its measurements fit a test."""
    properties = SimpleNamespace(L2_cache_size=1 << 20)
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1 << 23, 1 << 24))
    monkeypatch.setattr(ceilings, "_SIDES", (1 << 20, 64))
    monkeypatch.setattr(clocks, "_LEAST_FLUSHED", 1 << 16)


def test_a_clock_takes_as_many_samples_as_there_is_time_for(cuda: None) -> None:
    runs: list[None] = []
    seconds = CudaClock(CPU, 40, budget_s=0.1).seconds(lambda: runs.append(None))
    assert set(seconds) == {2e-3}
    assert 5 <= len(seconds) <= 25
    assert (
        len(runs) == len(seconds) + 5
    )  # to compile it, to see how long queuing takes, and how long it takes


@pytest.mark.parametrize(("each_s", "count"), [(1e-6, 30), (0.05, 10), (3.0, 5)])
def test_samples_are_bounded_both_ways(each_s: float, count: int) -> None:
    assert num_samples(each_s, 30, 0.5) == count


@pytest.mark.parametrize(("queuing_s", "count"), [(0.0, 1), (50e-6, 2), (400e-6, 7)])
def test_the_device_is_kept_busy_while_the_host_queues(queuing_s: float, count: int) -> None:
    assert num_flushes(queuing_s, 100e-6) == count


def test_ceilings_are_bytes_and_operations_by_seconds(cuda: None) -> None:
    found = measure_ceilings(CudaClock(CPU, 5, 0.01), CPU, torch.float32)
    assert found == Ceilings(2 * (1 << 20) / 2e-3, (1 << 20) / 2e-3, 2 * 64**3 / 2e-3, 2e-3)
    assert found.memory_bytes == found.copy_bytes


def test_shares_are_of_the_ceilings() -> None:
    """100 MB in 100 us: 1 TB/s of 2; 10 GFLOP: 100 TFLOP/s of 500; torch needs twice as long."""
    cells = row(ONE, CEILINGS).split()
    assert cells[3:] == ["100", "30%", "100", "1,000", "50%", "10", "100", "20%", "200", "2.00"]
    told = as_json(PLACE, CEILINGS, [ONE])
    [result] = told["results"]
    assert result["memory_share"] == pytest.approx(0.5)
    assert result["arithmetic_share"] == pytest.approx(0.2)
    assert result["torch_median_s"] == 2e-4
    assert told["commit"] == "abc"
    assert told["ceilings"]["launch_s"] == 2e-6


def test_the_heading_tells_device_and_ceilings() -> None:
    told = heading(PLACE, CEILINGS)
    for part in ("H9000, bfloat16", "copies 2,000 GB/s", "500.0 TFLOP/s", "2.0 us"):
        assert part in told


def test_what_was_interpreted_has_no_shares_and_no_rates() -> None:
    assert "mean nothing" in heading(PLACE, None)
    assert row(ONE, None).split()[4:] == ["-", "100", "-", "-", "10", "-", "-", "-", "-"]
    [result] = as_json(PLACE, None, [ONE])["results"]
    assert "memory_share" not in result


def failing(error: Exception) -> Measured:
    def run() -> None:
        raise error

    case = Case("tokens 1", WORK, lambda _: Run(run))
    return measure("silu_mul", "M", case, HostClock(), lab=None)  # type: ignore[arg-type]


def test_a_kernel_that_fails_is_told_in_its_place() -> None:
    found = failing(RuntimeError("misaligned address\nand a long trace"))
    assert found.failed
    assert row(found, CEILINGS).endswith("not measured: misaligned address")
    assert as_json(PLACE, CEILINGS, [found])["results"][0]["error"] == "misaligned address"


def test_a_device_that_is_too_small_is_no_failure() -> None:
    found = failing(torch.OutOfMemoryError("wanted 9 GiB"))
    assert not found.failed
    assert found.error == OUT_OF_MEMORY


def test_torch_without_such_an_operation_leaves_the_kernels_time() -> None:
    def refuse() -> None:
        raise RuntimeError("no kernel of this dtype")

    case = Case("tokens 1", WORK, lambda _: Run(lambda: None, refuse))
    found = measure("silu_mul", "M", case, HostClock(), lab=None)  # type: ignore[arg-type]
    assert found.times
    assert found.torch_times is None
    assert not found.failed


@pytest.mark.skipif(torch.cuda.is_available(), reason="the fake device would hide the real one")
def test_a_run_from_its_ceilings_to_its_file(
    cuda: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a device, with the kernels interpreted and a clock that always says two milliseconds."""
    pytest.importorskip("triton")
    from penstock.bench.kernels import course

    monkeypatch.setattr(course, "find_device", lambda *, interpreted: CPU)
    path = tmp_path / "figures.json"
    assert course.run(parse(["--shapes", "tiny", "--only", "rms_norm", "--json", str(path)]))
    told = capsys.readouterr().out
    assert [line.split()[:3] for line in told.splitlines()[-3:]] == [
        ["rms_norm", "tokens", number] for number in ("1", "3", "20")
    ]
    for one in json.loads(path.read_text())["results"]:
        assert one["median_s"] == one["torch_median_s"] == 2e-3
        assert one["memory_share"] == pytest.approx(one["bytes"] / (2 << 20))
