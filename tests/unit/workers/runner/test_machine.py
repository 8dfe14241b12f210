"""What a worker takes of a machine or a container, read from folders that pretend to be one."""

from pathlib import Path

import pytest
import torch

from penstock.protocol.errors import ModelError
from penstock.workers.cgroup import own_groups
from penstock.workers.faults import LOAD_ADVICE, STEP_ADVICE, explain
from penstock.workers.host_memory import Memory, host_memory, limit_of, share
from penstock.workers.memory import kv_bytes_available
from penstock.workers.threads import core_of, prepare_threads, quota_of, worthwhile

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


def test_an_operators_number_wins() -> None:
    assert kv_bytes_available(123, 0.9, torch.device("cpu"), 1) == 123


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


def test_faults_come_with_the_advice_that_fits() -> None:
    torch_says = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
    assert explain(torch_says, loading=True)[1] == LOAD_ADVICE
    assert explain(MemoryError(), loading=False) == ("out of memory: MemoryError", STEP_ADVICE)
    assert explain(ModelError("no such model"), loading=True) == ("no such model", "")
    assert explain(KeyError("x"), loading=False)[0] == "KeyError: 'x'"


def test_a_small_model_gets_few_threads_and_a_large_one_all() -> None:
    assert worthwhile(1 << 20, 8) == 1
    assert worthwhile(12 << 20, 8) == 3
    assert worthwhile(10 << 30, 8) == 8
