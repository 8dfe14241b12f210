"""One front end for all tests that only talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.byte_model import make_byte_model
from support.fake_engine import hashed
from support.front import Front, wait_until

from penstock.protocol.messages import ControlVerb


@pytest.fixture(scope="session")
def byte_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_byte_model(tmp_path_factory.mktemp("bytes"))


@pytest.fixture(scope="session")
def shared_front(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, trust_request_chat_template=True) as front:
        yield front


@pytest.fixture
def front(shared_front: Front) -> Front:
    """As it is before anybody said what the model answers."""
    engine = shared_front.engine
    engine.script, engine.tokens_per_step, engine.is_holding = hashed, 1, False
    engine.refusal = lambda request: None
    _let_it_settle(shared_front)
    engine.generates.clear()
    engine.aborted.clear()
    engine.whole.clear()
    return shared_front


def _let_it_settle(front: Front) -> None:
    """What the test before sent its engine last has arrived: an answer to a question comes behind it."""
    wait_until(lambda: front.engine.num_running == 0)
    front.call(front.services.client.control(ControlVerb.RESET_PREFIX_CACHE))
