"""Places of every kind for responses to be kept in."""

from collections.abc import Callable, Iterator

import pytest
from support.stores import KINDS, Place, empty_places


@pytest.fixture(scope="session", params=KINDS)
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Place]]:
    with empty_places(request.param, tmp_path_factory.mktemp(request.param)) as empty:
        yield empty


@pytest.fixture
def place(places: Callable[[], Place]) -> Place:
    return places()
