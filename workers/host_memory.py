"""How much of a machine's memory a worker may give to keys and values. Knows RAM and containers, no device of torch's.

RAM or cgroup limit   [ in use by all ... | weights, as mapped | free ............ ]
the cache             at most half of what is free, and never beyond the utilization's share
"""

from dataclasses import dataclass
from pathlib import Path

from penstock.workers.cgroup import own_groups

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one device, or of the part of the machine that a container may use."""

    total: int
    free: int

    def within(self, other: "Memory") -> "Memory":
        return Memory(min(self.total, other.total), min(self.free, other.free))


def share(memory: Memory, utilization: float) -> int:
    """What a CPU worker takes: half stays for activations, the page cache and everybody else."""
    used = memory.total - memory.free
    return max(0, min(int(memory.total * utilization) - used, memory.free // 2))


def swap_share(free: int, cache: int) -> int:
    """Bytes for swapped blocks: half of what is free once a cache of so many bytes is full."""
    return max(0, free - cache) // 2


def host_memory(proc: Path = PROC) -> Memory:
    """RAM within the container's limit. This process's mapped files, its weights, are not free."""
    meminfo = _fields(proc / "meminfo")
    memory = Memory(meminfo["MemTotal"], meminfo["MemAvailable"])
    for group in own_groups("memory"):
        limit = limit_of(group)
        memory = memory.within(limit) if limit else memory
    mapped = _fields(proc / "self" / "status").get("RssFile", 0)
    return Memory(memory.total, max(0, memory.free - mapped))


def limit_of(group: Path) -> Memory | None:
    """The bound of a control group, version 2 or 1; None without one. Droppable page cache is free."""
    v2 = ("memory.max", "memory.current", "inactive_file")
    v1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    limit, usage, droppable = v2 if (group / v2[0]).exists() else v1
    try:
        total, used = (int((group / name).read_text()) for name in (limit, usage))
        lines = (group / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):  # "max" is no number
        return None
    stat = dict(line.split() for line in lines)
    return Memory(total, max(0, total - used + int(stat.get(droppable, 0))))


def _fields(path: Path) -> dict[str, int]:
    """`Name:  123 kB` lines, in bytes."""
    fields = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB":
            fields[name] = int(words[0]) * 1024
    return fields
