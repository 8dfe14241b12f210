"""Deployments of brook: one for the tests that only talk to it, one in float32 whose programs they may kill."""

from collections.abc import Iterator

import pytest
from support.deployment import Deployment
from support.one_thread import one_thread

__all__ = ["brook", "exact", "one_thread"]


@pytest.fixture(scope="session")
def brook() -> Iterator[Deployment]:
    with Deployment() as deployment:
        yield deployment


@pytest.fixture(scope="session")
def exact() -> Iterator[Deployment]:
    """Whoever kills a program of it leaves when it is whole again."""
    with Deployment("--dtype", "float32", "--api-server-count", "2") as deployment:
        yield deployment
