"""Is it well, is it ready, how loaded is it: a status and a body for each question. Knows no HTTP library."""

from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from penstock.protocol.messages import EngineStats, Limits, ModelCard

STALL_S = 60.0
"""Work waits and no step ended for so long: the engine hangs, whatever its heartbeat says."""


class Probe(msgspec.Struct):
    """How it is, in a word."""

    status: str
    reason: str | msgspec.UnsetType = msgspec.UNSET
    """Where something is amiss."""


class Load(msgspec.Struct, kw_only=True):
    """What the engine has to do, and this front end with it."""

    server_load: int
    """Requests open at the front end that answers."""
    queue_size: int
    running: int
    active_workers: int
    active_frontends: int
    gpu_utilization: float
    """Share of the last seconds that a model step was running, on whatever device."""
    kv_cache_usage: float


class Version(msgspec.Struct):
    version: str


B = TypeVar("B", Probe, Load)


class Answer(NamedTuple, Generic[B]):
    """An HTTP status and what becomes a JSON object."""

    status: int
    body: B


class EngineView(Protocol):
    """What these questions need of an EngineClient."""

    @property
    def is_ready(self) -> bool: ...
    @property
    def reason_away(self) -> str: ...
    @property
    def card(self) -> ModelCard | None: ...
    @property
    def limits(self) -> Limits | None: ...
    @property
    def stats(self) -> EngineStats: ...
    @property
    def engine_age_s(self) -> float: ...


def ping() -> Answer[Probe]:
    """This front end answers. Looks no further, so that it is always quick."""
    return Answer(200, Probe("ok"))


def health(engine: EngineView, stall_s: float = STALL_S) -> Answer[Probe]:
    """The whole path to the model works: heartbeats come, and steps end."""
    reason = _ailment(engine, stall_s)
    if reason:
        return Answer(503, Probe("unhealthy", reason))
    return Answer(200, Probe("ok"))


def ready(engine: EngineView, is_draining: bool) -> Answer[Probe]:
    """New requests are welcome here: not before the model is loaded, nor while this process drains."""
    if is_draining:
        return Answer(503, Probe("draining"))
    if not engine.is_ready:
        status = "starting" if engine.card is None else "waiting for the engine"
        return Answer(503, Probe(status, engine.reason_away))
    if engine.stats.draining:
        return Answer(503, Probe("draining", "the engine is shutting down"))
    return Answer(200, Probe("ready"))


def load(engine: EngineView, num_open: int) -> Answer[Load]:
    """The engine's load, and the requests open at this front end (`server_load`)."""
    stats = engine.stats
    return Answer(
        200,
        Load(
            server_load=num_open,
            queue_size=stats.num_waiting,
            running=stats.num_running,
            active_workers=stats.num_workers,
            active_frontends=stats.num_frontends,
            gpu_utilization=stats.busy,
            kv_cache_usage=stats.kv_cache_usage,
        ),
    )


def version(number: str, accept: str, wanted: str) -> str | Version:
    """Bare text for `Accept: text/plain` or `?format=text`, else a JSON object."""
    is_text = wanted == "text" or (not wanted and accept.strip().startswith("text/plain"))
    return number if is_text else Version(number)


def _ailment(engine: EngineView, stall_s: float) -> str:
    if not engine.is_ready:
        return engine.reason_away
    if engine.limits is not None and engine.engine_age_s > engine.limits.silence_s:
        return f"the engine has been silent for {engine.engine_age_s:.1f} s"
    if engine.stats.step_age_s > stall_s:
        return f"work waits, but no step has ended for {engine.stats.step_age_s:.0f} s"
    return ""
