"""What a worker takes of a machine or a container, read from folders that pretend to be one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from penstock.protocol.errors import ModelError
from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.cgroup import own_groups
from penstock.workers.faults import Circumstances, Phase, explain
from penstock.workers.host_memory import Memory, host_memory, limit_of, share, swap_share
from penstock.workers.memory import Budget, budget, swap_bytes_available
from penstock.workers.threads import core_of, prepare_threads, quota_of, worth, worthwhile

GIB = 1 << 30


def write(folder: Path, **files: str) -> Path:
    """`a__b` is the file a.b; parents are made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_the_cache_takes_half_of_what_is_free_at_most() -> None:
    assert share(Memory(total=16 * GIB, free=12 * GIB), 0.9) == 6 * GIB
    assert share(Memory(total=16 * GIB, free=12 * GIB), 0.5) == 4 * GIB
    assert share(Memory(total=16 * GIB, free=2 * GIB), 0.5) == 0


class PretendedGpu:
    """Its steps take `step` bytes and leave `kept` of them behind, as libraries do that they load."""

    def __init__(self, total: int, free: int, step: int, kept: int = 0) -> None:
        self._memory, self._step, self._kept = Memory(total, free), step, kept
        self.done: list[str] = []

    def now(self) -> Memory:
        return self._memory

    def peak_of(self, work: Callable[[], None]) -> int:
        work()
        self._memory = Memory(self._memory.total, self._memory.free - self._kept)
        return self._step

    def run(self) -> None:
        self.done.append("a step")


@pytest.mark.parametrize(
    ("utilization", "step", "kept", "left"),
    [
        (0.9, 0, 0, 56),  # of 80 GiB 72 may be used, 16 are
        (0.9, 5, 0, 51),
        (0.9, 5, 1, 50),  # what a step leaves behind is taken for good
        (0.5, 5, 0, 19),
        (0.2, 5, 0, 0),
    ],
)
def test_a_gpus_cache_gets_what_weights_and_the_largest_step_leave(
    utilization: float, step: int, kept: int, left: int
) -> None:
    gpu = PretendedGpu(80 * GIB, 64 * GIB, step * GIB, kept * GIB)
    found = budget(gpu, utilization, gpu.run)
    assert found == Budget(80 * GIB, (16 + kept) * GIB, step * GIB, left * GIB)
    assert gpu.done == ["a step"]
    assert str(found).startswith(f"80.00 GiB in all, {16 + kept}.00 taken, {step}.00 for the larg")


def test_swap_space_takes_half_of_what_a_full_cache_leaves() -> None:
    assert swap_share(12 * GIB, 6 * GIB) == 3 * GIB
    assert swap_share(1 * GIB, 6 * GIB) == 0
    on_gpu = swap_bytes_available(10**15, torch.device("cuda"), 2)
    assert on_gpu == pytest.approx(host_memory().free / 4, rel=0.2)
    assert swap_bytes_available(10**15, torch.device("cpu"), 2) == 0


def test_mapped_weights_are_not_free(tmp_path: Path) -> None:
    write(tmp_path, meminfo="MemTotal: 4096 kB\nMemAvailable: 3072 kB\nHugePages_Total: 0\n")
    write(tmp_path / "self", status="Name:\tpython\nRssFile:\t1024 kB\n")
    assert host_memory(tmp_path).free <= 2 << 20


def test_container_limits_of_both_versions(tmp_path: Path) -> None:
    stat = "anon 10\ninactive_file 30\ntotal_inactive_file 40\n"
    v2 = write(tmp_path / "2", memory__max="1000\n", memory__current="600\n", memory__stat=stat)
    v1 = write(
        tmp_path / "1",
        memory__limit_in_bytes="1000",
        memory__usage_in_bytes="600",
        memory__stat=stat,
    )
    unbounded = write(tmp_path / "u", memory__max="max", memory__current="1", memory__stat=stat)
    assert limit_of(v2) == Memory(1000, 430)
    assert limit_of(v1) == Memory(1000, 440)
    assert limit_of(unbounded) is None
    assert limit_of(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", None)],
)
def test_a_quota_counts_in_whole_cpus(tmp_path: Path, text: str, cpus: int | None) -> None:
    assert quota_of(write(tmp_path, cpu__max=text)) == cpus


def test_a_group_is_bounded_by_its_parents_too(tmp_path: Path) -> None:
    proc = write(tmp_path / "proc" / "self", cgroup="4:cpu,cpuacct:/a\n0::/a/b\n").parent
    cgroup = write(tmp_path / "cgroup" / "a" / "b").parent.parent
    assert own_groups("cpu", cgroup, proc) == [cgroup / "a" / "b", cgroup / "a", cgroup]
    assert own_groups("cpu", cgroup, tmp_path) == [cgroup]


def test_hyperthreads_of_one_core_count_once(tmp_path: Path) -> None:
    for cpu, siblings in ((0, "0,2"), (1, "1,3"), (2, "0,2"), (3, "1,3")):
        write(tmp_path / f"cpu{cpu}" / "topology", thread_siblings_list=siblings)
    assert len({core_of(cpu, tmp_path) for cpu in range(4)}) == 2
    assert core_of(9, tmp_path) == "9"


def test_threads_sleep_unless_the_operator_says_otherwise() -> None:
    environ = {"OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": "64"}
    assert prepare_threads(3, environ=environ) == 3
    assert environ["OMP_NUM_THREADS"] == "3"
    assert (environ["OMP_WAIT_POLICY"], environ["GOMP_SPINCOUNT"]) == ("active", "0")


CPU_SAYS = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
CUDA_SAYS = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")


def advice(error: Exception, phase: Phase, device: str, **settings: Any) -> str:
    found = Circumstances(WorkerSettings(**settings), device, phase, 14 * GIB)
    if phase is not Phase.LOADING:
        found.bounds, found.num_blocks = StepBounds(8192, 256), 4711
    message, told = explain(error, found)
    assert message == f"out of memory: {str(error).splitlines()[0]}"
    return told


def test_weights_that_do_not_fit() -> None:
    on_cpu = advice(CPU_SAYS, Phase.LOADING, "cpu")
    assert on_cpu.startswith("The weights (14.00 GiB) do not fit: choose a smaller model")
    on_gpu = advice(CUDA_SAYS, Phase.LOADING, "cuda")
    assert on_gpu.startswith("The weights (14.00 GiB) do not fit this GPU: share them")
    assert "--tensor-parallel-size" in on_gpu


def test_a_step_that_does_not_fit_beside_the_weights() -> None:
    told = advice(CUDA_SAYS, Phase.MEASURING, "cuda")
    assert "a step of 8192 tokens and 256 sequences does not fit" in told
    assert "--max-num-batched-tokens" in told


def test_a_cache_that_does_not_fit_names_the_flag_that_decided_its_size() -> None:
    told = advice(CUDA_SAYS, Phase.CACHE, "cuda", gpu_memory_utilization=0.95)
    assert told.startswith("The KV cache of 4711 blocks does not fit: lower --gpu-memory-utiliz")
    assert "--gpu-memory-utilization (0.95)" in told
    told = advice(CUDA_SAYS, Phase.CACHE, "cuda", kv_cache_memory_bytes=1 << 30)
    assert "lower --kv-cache-memory-bytes (1073741824)" in told


def test_a_step_that_runs_out_of_memory() -> None:
    told = advice(CUDA_SAYS, Phase.STEPS, "cuda")
    assert told.startswith("Lower --gpu-memory-utilization (0.9) to leave more beside the cache")
    assert "less run at once than 8192 tokens and 256 sequences" in told


def test_other_faults_speak_for_themselves() -> None:
    found = Circumstances(WorkerSettings())
    assert explain(ModelError("no such model"), found) == ("no such model", "")
    assert explain(KeyError("x"), found)[0] == "KeyError: 'x'"


def test_a_small_model_gets_few_threads_and_a_large_one_all() -> None:
    assert worthwhile(1 << 20, 8) == 1
    assert worthwhile(12 << 20, 8) == 3
    assert worthwhile(10 << 30, 8) == 8


def test_a_step_is_worth_what_it_reads_or_multiplies() -> None:
    """One token of a dense layer reads it; one that goes to 2 of 16 experts reads an eighth of them."""
    assert worth(800, 1) == worth(800, 8) == 800
    assert worth(800, 16) == 1600
    assert worth(800, 2 / 16) == 100
    assert worth(800, 0) == 0
