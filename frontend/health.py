"""Is it well, is it ready, how loaded is it: a status and a body for each question. Knows no HTTP library."""

from typing import Any, NamedTuple, Protocol

from penstock.protocol.messages import EngineStats, Limits, ModelCard

STALL_S = 60.0
"""Work waits and no step ended for so long: the engine hangs, whatever its heartbeat says."""


class Answer(NamedTuple):
    """An HTTP status and a JSON object."""

    status: int
    body: dict[str, Any]


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


def ping() -> Answer:
    """This front end answers. Looks no further, so that it is always quick."""
    return Answer(200, {"status": "ok"})


def health(engine: EngineView, stall_s: float = STALL_S) -> Answer:
    """The whole path to the model works: heartbeats come, and steps end."""
    reason = _ailment(engine, stall_s)
    if reason:
        return Answer(503, {"status": "unhealthy", "reason": reason})
    return Answer(200, {"status": "ok"})


def ready(engine: EngineView, is_draining: bool) -> Answer:
    """New requests are welcome here: not before the model is loaded, nor while this process drains."""
    if is_draining:
        return Answer(503, {"status": "draining"})
    if not engine.is_ready:
        status = "starting" if engine.card is None else "waiting for the engine"
        return Answer(503, {"status": status, "reason": engine.reason_away})
    if engine.stats.draining:
        return Answer(503, {"status": "draining", "reason": "the engine is shutting down"})
    return Answer(200, {"status": "ready"})


def load(engine: EngineView, num_open: int) -> Answer:
    """The engine's load, and the requests open at this front end (`server_load`)."""
    stats = engine.stats
    return Answer(
        200,
        {
            "server_load": num_open,
            "queue_size": stats.num_waiting,
            "running": stats.num_running,
            "active_workers": stats.num_workers,
            "active_frontends": stats.num_frontends,
            "gpu_utilization": stats.busy,
            "kv_cache_usage": stats.kv_cache_usage,
        },
    )


def version(number: str, accept: str, wanted: str) -> str | dict[str, str]:
    """Bare text for `Accept: text/plain` or `?format=text`, else a JSON object."""
    is_text = wanted == "text" or (not wanted and accept.strip().startswith("text/plain"))
    return number if is_text else {"version": number}


def _ailment(engine: EngineView, stall_s: float) -> str:
    if not engine.is_ready:
        return engine.reason_away
    if engine.limits is not None and engine.engine_age_s > engine.limits.silence_s:
        return f"the engine has been silent for {engine.engine_age_s:.1f} s"
    if engine.stats.step_age_s > stall_s:
        return f"work waits, but no step has ended for {engine.stats.step_age_s:.0f} s"
    return ""
