"""What a worker takes of a machine or a container, read from folders that pretend to be one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.runner_driver import load_tiny
from support.tiny_decoder import write_tiny_model

from penstock.protocol.errors import ModelError
from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds
from penstock.workers.cgroup import own_groups
from penstock.workers.device.graph_sizes import GRAPH_BYTES, sizes_up_to
from penstock.workers.faults import Circumstances, Phase, explain
from penstock.workers.gpu_budget import measured_budget
from penstock.workers.gpu_share import Budget
from penstock.workers.host_copies.queues import CpuQueues
from penstock.workers.host_copies.sizes import bytes_of_stagings
from penstock.workers.host_copies.swapper import Swapper
from penstock.workers.host_memory import Memory, host_memory, limit_of, share, swap_share
from penstock.workers.memory import budget, swap_bytes_available
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
    """Its steps take so many bytes and leave `kept` of them behind, as libraries do that they load."""

    def __init__(self, total: int, free: int, kept: int = 0, **steps: int) -> None:
        self._memory, self._kept, self._steps = Memory(total, free), kept, steps
        self._running = ""

    def now(self) -> Memory:
        return self._memory

    def peak_of(self, work: Callable[[], None]) -> int:
        work()
        self._memory = Memory(self._memory.total, self._memory.free - self._kept)
        return self._steps[self._running]

    def prompt(self) -> None:
        self._running = "prompt"

    def decode(self) -> None:
        self._running = "decode"


@pytest.mark.parametrize(
    ("utilization", "prompt", "decode", "kept", "left"),
    [
        (0.9, 0, 0, 0, 56),  # of 80 GiB 72 may be used, 16 are
        (0.9, 5, 0, 0, 51),
        (0.9, 5, 2, 0, 49),  # graphs keep what a decode step takes
        (0.9, 1, 5, 0, 46),
        (0.9, 5, 0, 1, 49),  # what a step leaves behind is taken for good
        (0.5, 5, 0, 0, 19),
        (0.2, 5, 0, 0, 0),
    ],
)
def test_a_gpus_cache_gets_what_weights_and_the_largest_step_leave(
    utilization: float, prompt: int, decode: int, kept: int, left: int
) -> None:
    gpu = PretendedGpu(80 * GIB, 64 * GIB, kept * GIB, prompt=prompt * GIB, decode=decode * GIB)
    found = budget(gpu, utilization, gpu, lambda of_decode: of_decode, 0)
    step, taken = max(prompt, decode), 16 + 2 * kept
    assert found == Budget(80 * GIB, taken * GIB, step * GIB, decode * GIB, 0, left * GIB)
    assert str(found).startswith(f"80.00 GiB in all, {taken}.00 taken, {step}.00 for the larg")


def test_what_is_swapped_through_is_set_aside_too() -> None:
    gpu = PretendedGpu(80 * GIB, 64 * GIB, prompt=GIB, decode=0)
    assert budget(gpu, 0.9, gpu, lambda _: 0, 2 * GIB).cache == 53 * GIB


def test_a_swappers_stagings_are_what_was_counted_for_them() -> None:
    """A block more than 64 MiB large has room in them, too."""
    for num_host_blocks, block_bytes in ((3, 100), (1 << 20, 1 << 10), (2, 80 << 20)):
        assert bytes_of_stagings(num_host_blocks, block_bytes) == 2 * max(
            block_bytes, min(num_host_blocks * block_bytes, 64 << 20)
        )
    assert bytes_of_stagings(0, 1 << 20) == 0
    pages = [torch.zeros(4, 50, dtype=torch.uint8) for _ in range(2)]
    held = sum(one.memory_BPN.nbytes for one in Swapper(pages, 3, CpuQueues())._stagings)
    assert held == bytes_of_stagings(3, 100)


@pytest.mark.parametrize("captures", [True, False])
def test_graphs_and_swapping_cost_a_start_some_of_its_cache(captures: bool, tmp_path: Path) -> None:
    model = load_tiny(write_tiny_model(tmp_path))
    gpu = PretendedGpu(80 * GIB, 64 * GIB, prompt=3 * GIB, decode=GIB)
    watched = Watched(gpu)

    def found(**settings: Any) -> Budget:
        return measured_budget(
            watched, model, WorkerSettings(**settings), StepBounds(64, 5), model.dtype,
            captures=captures,
        )  # fmt: skip

    plain, swapping = found(), found(swap_space=1.0)
    assert watched.ran == 4
    assert plain.staging == 0
    assert swapping.staging == plain.cache - swapping.cache > 100 << 20
    graphs = GIB + len(sizes_up_to(5)) * GRAPH_BYTES
    assert graphs < plain.graphs < graphs + (1 << 20) if captures else plain.graphs == 0
    assert plain.cache == 56 * GIB - plain.step - plain.graphs


class Watched:
    """A pretended GPU on which the model's own steps run."""

    def __init__(self, gpu: PretendedGpu) -> None:
        self._gpu = gpu
        self.ran = 0

    def now(self) -> Memory:
        return self._gpu.now()

    def peak_of(self, work: Callable[[], None]) -> int:
        work()
        self.ran += 1
        return self._gpu.peak_of((self._gpu.prompt, self._gpu.decode)[(self.ran - 1) % 2])


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
