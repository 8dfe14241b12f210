"""Deployments of brook: one for the tests that only talk to it, one in float32 whose programs they may kill."""

from collections.abc import Generator, Iterator

import pytest
from support.deployment import Deployment
from support.one_thread import one_thread

__all__ = ["brook", "exact", "one_thread"]
LAST_CHARS = 10_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the deployments said that the test had from fixtures: those outlive it."""
    report = yield
    if report.when == "call" and report.failed:
        found = {n: v for n, v in item.funcargs.items() if isinstance(v, Deployment)}
        report.sections += [(f"log of {n}", v.log()[-LAST_CHARS:]) for n, v in found.items()]
    return report


@pytest.fixture(scope="session")
def brook() -> Iterator[Deployment]:
    with Deployment() as deployment:
        yield deployment


@pytest.fixture(scope="session")
def exact() -> Iterator[Deployment]:
    """Whoever kills a program of it leaves when it is whole again."""
    with Deployment("--dtype", "float32", "--api-server-count", "2") as deployment:
        yield deployment
