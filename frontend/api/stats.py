"""GET /v1/stats: the whole deployment at this moment, small and cheap. Knows a shape; the engine core counts.

It is answered from the engine's last heartbeat, so any front end says the same and none asks the engine.
Totals run from the engine's start; `clock_s` is its own clock, so two answers give a rate, whenever they came.
"""

import msgspec
from aiohttp import web

from penstock.frontend import health
from penstock.frontend.api.shapes import json_response
from penstock.frontend.services import SERVICES, Services


class EngineMoment(msgspec.Struct, frozen=True):
    """Which life of the engine, and when in it. Until `clock_s` is above zero, nothing was heard of it."""

    epoch: str
    clock_s: float
    busy: float
    """Share of the last seconds that a model step was running."""
    num_workers: int
    num_frontends: int


class Requests(msgspec.Struct, frozen=True):
    running: int
    waiting: int
    max_running: int


class KVBlocks(msgspec.Struct, frozen=True):
    used: int
    """Those that running sequences hold; cached prefixes that nobody holds are free."""
    total: int
    block_size: int


class Totals(msgspec.Struct, frozen=True):
    """Since the engine's start."""

    prefilled_tokens: int
    """Computed for prompts, and again after preemptions; what the cache held is not among them."""
    generated_tokens: int
    cache_queried_tokens: int
    cache_hit_tokens: int
    preemptions: int


class Stats(msgspec.Struct, frozen=True):
    status: str
    """ready, starting, draining, or waiting for the engine."""
    reason: str
    """Why it is not ready; empty when it is."""
    model: str
    engine: EngineMoment
    requests: Requests
    kv_blocks: KVBlocks
    totals: Totals


async def show_stats(request: web.Request) -> web.Response:
    """Always 200: what is wrong stands in the body."""
    response = json_response(stats(request.app[SERVICES]))
    response.headers["Cache-Control"] = "no-store"
    return response


def stats(services: Services) -> Stats:
    client = services.client
    readiness = health.ready(client, services.drain.draining).body
    engine, limits = client.stats, client.limits
    num_blocks = limits.num_blocks if limits else 0
    return Stats(
        readiness.status,
        readiness.reason or "",
        services.model,
        EngineMoment(
            str(client.engine_epoch or ""),
            engine.clock_s,
            engine.busy,
            engine.num_workers,
            engine.num_frontends,
        ),
        Requests(engine.num_running, engine.num_waiting, limits.max_num_seqs if limits else 0),
        KVBlocks(
            round(engine.kv_cache_usage * num_blocks),
            num_blocks,
            limits.block_size if limits else 0,
        ),
        Totals(
            engine.num_prefilled_tokens,
            engine.num_generated_tokens,
            engine.num_queried_tokens,
            engine.num_hit_tokens,
            engine.num_preemptions,
        ),
    )
