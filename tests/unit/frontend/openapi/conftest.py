"""A front end, and what it says of itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.byte_model import make_byte_model
from support.described import Description
from support.front import Front


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_byte_model(tmp_path_factory.mktemp("bytes"))


@pytest.fixture(scope="module")
def front(model: Path) -> Iterator[Front]:
    with Front(model) as front:
        front.says("Hello")
        yield front


@pytest.fixture(scope="module")
def described(front: Front) -> Description:
    return Description(front.get("/openapi.json").json)
