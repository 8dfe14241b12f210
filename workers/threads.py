"""How a CPU worker's math libraries run. Knows OpenMP's and MKL's variables; must run before torch is imported.

Idle threads sleep: a spinning one takes its core from the front ends and the engine core, which run
on the same machine. Threads are not bound to cores, for the same reason: the kernel moves a worker's
thread away from a core that a front end needs, a bound one would wait and every other with it.
"""

import os
from collections.abc import MutableMapping
from pathlib import Path

from penstock.workers.cgroup import own_groups

BYTES_PER_THREAD = 32 << 20
"""A core reads these in a millisecond: for less, waking a second one costs more than it brings."""
TOKENS_PER_READING = 8
"""A core multiplies about so many tokens while it reads the weights once."""
MANY_TOKENS = 64
CPUS = Path("/sys/devices/system/cpu")

WAITING = {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
}
SAME_SUMS = {"MKL_CBWR": "AUTO,STRICT"}
"""MKL sums in an order that does not depend on where in memory a row lies, and so not on its company."""


def prepare_threads(
    wanted: int | None, num_ranks: int = 1, environ: MutableMapping[str, str] = os.environ
) -> int:
    """Sets what the libraries read when torch loads them; what an operator set stays, counts aside.

    `num_ranks` of this machine share its cores.
    """
    count = wanted or max(1, available_cores() // num_ranks)
    for name, value in (WAITING | SAME_SUMS).items():
        environ.setdefault(name, value)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environ[name] = str(count)
    return count


def worthwhile(weights_bytes: int, num_threads: int) -> int:
    """One thread for each 32 MiB that a step of many tokens is worth; see native/forward.py for one of few."""
    most_bytes = weights_bytes * MANY_TOKENS // TOKENS_PER_READING
    return max(1, min(num_threads, most_bytes // BYTES_PER_THREAD))


def worth(weights_bytes: int, readings: float) -> float:
    """Bytes that a step is worth: `readings` is how many tokens go through each of these weights, on average.

    Below 1 it is the share of them that is read at all.
    """
    return weights_bytes * max(min(1.0, readings), readings / TOKENS_PER_READING)


def available_cores() -> int:
    """Physical cores that this process may run on, within its container's quota; at least 1."""
    return _within_quota(len({core_of(cpu) for cpu in os.sched_getaffinity(0)}))


def available_cpus() -> int:
    """The same, with hyperthreads counted one by one: compilers gain by them."""
    return _within_quota(len(os.sched_getaffinity(0)))


def _within_quota(count: int) -> int:
    quotas = [quota for group in own_groups("cpu") if (quota := quota_of(group))]
    return min([count, *quotas])


def core_of(cpu: int, cpus: Path = CPUS) -> str:
    """A name that the hyperthreads of one core share."""
    siblings = cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list"
    try:
        return siblings.read_text().strip()
    except OSError:
        return str(cpu)


def quota_of(group: Path) -> int | None:
    """Whole CPUs a control group may use, at least 1 (version 2, then 1); None without a bound."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return max(1, int(quota) // int(period)) if int(quota) > 0 else None
    except (OSError, ValueError):  # "max" is no number
        return None
