"""How the server is, and what became of a request. Knows their declarations."""

from aiohttp.typedefs import Handler

from penstock.frontend.api import ops, timelines
from penstock.frontend.api.stats import Stats, show_stats
from penstock.frontend.health import Load, Probe, Version
from penstock.frontend.openapi.declared import TEXT, Answer, Route
from penstock.protocol.keys import Scope
from penstock.protocol.timelines import RequestTimeline

_TAG = "Operations"
_WELL = Answer("It is well.", Probe)


def _probe(path: str, handler: Handler, summary: str) -> Route:
    amiss = Answer("It is not; `reason` says why.", Probe, status=503)
    return Route(
        method="GET",
        path=path,
        handler=handler,
        scope=None,
        is_probe=True,
        tag=_TAG,
        summary=summary,
        answers=(_WELL, amiss),
    )


def _shallow(method: str, path: str) -> Route:
    return Route(
        method="POST" if method == "POST" else "GET",
        path=path,
        handler=ops.ping,
        scope=None,
        is_probe=True,
        tag=_TAG,
        summary="Whether this front end answers at all",
        answers=(_WELL,),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/requests/{id}",
        handler=timelines.timeline,
        scope=Scope.INFERENCE,
        places={"id": "The request's X-Request-Id, or the id in its answer."},
        tag=_TAG,
        summary="What became of a recent request",
        description=(
            "When it was received, tokenized, queued, first scheduled, its prompt computed chunk by chunk, its "
            "first token sampled, preempted, finished. Any front end can tell; a key is shown its own alone."
        ),
        answers=(Answer("Its timeline.", RequestTimeline),),
        errors=(404, 503),
    ),
    _probe("/health", ops.healthy, "Whether the whole path to the model works"),
    _probe("/health/readiness", ops.ready, "Whether new requests are welcome"),
    _probe("/ready", ops.ready, "Whether new requests are welcome"),
    _probe("/readyz", ops.ready, "Whether new requests are welcome"),
    _shallow("GET", "/health/liveness"),
    _shallow("GET", "/ping"),
    _shallow("POST", "/ping"),
    Route(
        method="GET",
        path="/load",
        handler=ops.load,
        scope=Scope.METRICS,
        is_probe=True,
        tag=_TAG,
        summary="How much there is to do",
        answers=(Answer("The load, as of the last heartbeat.", Load),),
    ),
    Route(
        method="GET",
        path="/v1/stats",
        handler=show_stats,
        scope=Scope.METRICS,
        is_probe=True,
        tag=_TAG,
        summary="What the whole deployment does at this moment",
        description=(
            "Any front end says the same. The totals run from the engine's start and `clock_s` is its own clock: "
            "the difference of two answers is a rate."
        ),
        answers=(Answer("Always; what is wrong stands in the body.", Stats),),
    ),
    Route(
        method="GET",
        path="/version",
        handler=ops.version,
        scope=None,
        is_probe=True,
        tag=_TAG,
        summary="Which version this is",
        query=ops.VERSION.kind,
        answers=(
            Answer("The version.", Version),
            Answer("Bare, if text is what is asked for.", media=TEXT),
        ),
    ),
)


def metrics(*, is_guarded: bool) -> Route:
    """Most scrapers have no key."""
    return Route(
        method="GET",
        path="/metrics",
        handler=ops.show_metrics,
        scope=Scope.METRICS if is_guarded else None,
        is_probe=True,
        tag=_TAG,
        summary="Prometheus metrics of the whole deployment",
        answers=(Answer("In Prometheus' text format.", media=TEXT),),
    )
