"""Fixtures for the native kernels. Import them into a conftest; tests skip where nothing can be built.

CPU_KERNEL_FLAGS in the environment holds further compiler flags, for a run under sanitizers (IS_SANITIZED).
There each byte that is touched costs many times as much, and a way through the code that was gone once is
checked: shapes stay, repetitions of them go.
"""

import os
from collections.abc import Callable

import pytest

from penstock.kernels.cpu.compiler import CompileError, build
from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Team

TeamOf = Callable[[int], Team]
FLAGS = tuple(os.environ.get("CPU_KERNEL_FLAGS", "").split())
IS_SANITIZED = any(flag.startswith("-fsanitize") for flag in FLAGS)


@pytest.fixture(scope="session")
def cpu_library() -> Library:
    """Built once; under CPU_KERNEL_FLAGS where that is set."""
    try:
        return Library(build(FLAGS))
    except CompileError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cpu_team(cpu_library: Library) -> TeamOf:
    """`cpu_team(3)`: three threads on any cores, the same ones at each call."""
    teams: dict[int, Team] = {}

    def team_of(size: int) -> Team:
        if size not in teams:
            teams[size] = Team(cpu_library, [-1] * (size - 1))
        return teams[size]

    return team_of
