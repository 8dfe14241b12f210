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
    """All programs below `pid`, whichever of its threads started them.

    A child that has not loaded its own program yet shows its parent's name and memory: it is left out.
    """
    own = command_line(pid)
    started = [child for child in _children(pid) if command_line(child) != own]
    return [p for child in started for p in (child, *descendants(child))]


def command_line(pid: int) -> list[str]:
    """Its words; none when it has ended."""
    return _read(pid, "cmdline").split("\0")[:-1]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*")
    return [
        int(child) for task in tasks for child in _read(pid, f"task/{task.name}/children").split()
    ]


def _name(pid: int) -> str:
    words = command_line(pid)
    return next((name for module, name in PROGRAMS.items() if module in words), " ".join(words[:1]))


def _resident(pid: int) -> int:
    fields = _read(pid, "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it ended meanwhile
        return ""
