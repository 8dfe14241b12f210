"""Health, readiness and load, asked of engines in every condition."""

import msgspec
import pytest
from support.fake_script import CARD, LIMITS

from penstock.frontend import health
from penstock.frontend.health import Probe, Version
from penstock.protocol.messages import EngineStats, Limits, ModelCard


class Engine(msgspec.Struct):
    """An EngineView that says what it is told to."""

    is_ready: bool = True
    reason_away: str = ""
    card: ModelCard | None = CARD
    limits: Limits | None = LIMITS
    stats: EngineStats = EngineStats()
    engine_age_s: float = 0.01


STARTING = Engine(is_ready=False, reason_away="no engine has answered yet", card=None, limits=None)
AWAY = Engine(is_ready=False, reason_away="the connection to the engine broke")
SILENT = Engine(engine_age_s=LIMITS.silence_s + 1)
STALLED = Engine(stats=EngineStats(step_age_s=health.STALL_S + 1))
DRAINING = Engine(stats=EngineStats(draining=True))


def test_well() -> None:
    assert health.health(Engine()) == (200, Probe("ok"))
    assert health.ping() == (200, Probe("ok"))
    assert health.ready(Engine(), is_draining=False) == (200, Probe("ready"))


@pytest.mark.parametrize(
    ("engine", "reason"),
    [(STARTING, "no engine"), (AWAY, "broke"), (SILENT, "silent"), (STALLED, "no step")],
)
def test_unwell(engine: Engine, reason: str) -> None:
    status, body = health.health(engine)
    assert status == 503
    assert body.status == "unhealthy"
    assert isinstance(body.reason, str)
    assert reason in body.reason


def test_draining_is_well_but_not_ready() -> None:
    assert health.health(DRAINING).status == 200
    assert health.ready(DRAINING, is_draining=False).status == 503
    assert health.ready(Engine(), is_draining=True).status == 503


def test_not_ready_tells_starting_from_waiting() -> None:
    assert health.ready(STARTING, is_draining=False).body.status == "starting"
    assert health.ready(AWAY, is_draining=False).body.status == "waiting for the engine"


def test_load() -> None:
    stats = EngineStats(num_running=2, num_waiting=5, busy=0.75, kv_cache_usage=0.5, num_workers=3)
    status, body = health.load(Engine(stats=stats), num_open=4)
    assert status == 200
    assert body.server_load == 4
    assert (body.queue_size, body.active_workers, body.gpu_utilization) == (5, 3, 0.75)


@pytest.mark.parametrize(
    ("accept", "wanted", "is_text"),
    [
        ("*/*", "", False),
        ("application/json", "", False),
        ("text/plain", "", True),
        ("*/*", "text", True),
        ("text/plain", "json", False),
    ],
)
def test_version(accept: str, wanted: str, is_text: bool) -> None:
    got = health.version("1.2", accept, wanted)
    assert got == ("1.2" if is_text else Version("1.2"))
