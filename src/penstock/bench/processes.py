"""The programs of a deployment as /proc shows them. Knows processes, not what they serve."""

import os
from pathlib import Path

PROGRAMS = {
    "penstock.cli": "supervisor",
    "penstock.frontend": "front end",
    "penstock.engine_core": "engine core",
    "penstock.workers": "worker",
    "penstock.workers.grammar.trial": "grammar trial",
}


def resident_bytes(root: int) -> list[tuple[str, int]]:
    """Name and resident memory of the process `root` and of all below it."""
    return [(_name(pid), _resident(pid)) for pid in (root, *descendants(root))]


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, whichever of its threads started them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:  # the thread ended meanwhile
            continue
        found += [p for child in children for p in (child, *descendants(child))]
    return found


def _name(pid: int) -> str:
    words = _read(pid, "cmdline").split("\0")
    return next((name for module, name in PROGRAMS.items() if module in words), words[0])


def _resident(pid: int) -> int:
    fields = _read(pid, "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it ended meanwhile
        return ""
