"""One deployment of brook, shared by the tests that only talk to it."""

from collections.abc import Iterator

import pytest
from support.deployment import Deployment


@pytest.fixture(scope="session")
def brook() -> Iterator[Deployment]:
    with Deployment() as deployment:
        yield deployment
