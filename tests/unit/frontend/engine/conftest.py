"""A fresh fake engine for each test."""

from collections.abc import Iterator

import pytest
from support.fake_engine import FakeEngine


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine
