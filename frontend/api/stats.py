"""GET /v1/stats: the whole deployment at this moment, small and cheap. Knows a shape; the engine core counts.

It is answered from the engine's last heartbeat, so any front end says the same and none asks the engine.
Totals run from the engine's start; `clock_s` is its own clock, so two answers give a rate, whenever they came.
"""

from typing import Self

import msgspec
from aiohttp import web

from penstock.frontend import health
from penstock.frontend.api.shapes import json_response
from penstock.frontend.services import SERVICES, Services
from penstock.protocol.messages import EngineStats, Limits


class EngineMoment(msgspec.Struct, frozen=True):
    """Which life of the engine, and when in it. Until `clock_s` is above zero, nothing was heard of it."""

    epoch: str
    clock_s: float
    busy: float
    """Share of the last seconds that a model step was running."""
    num_workers: int
    num_frontends: int

    @classmethod
    def of(cls, epoch: int | None, now: EngineStats) -> Self:
        return cls(str(epoch or ""), now.clock_s, now.busy, now.num_workers, now.num_frontends)


class Requests(msgspec.Struct, frozen=True):
    running: int
    waiting: int
    max_running: int

    @classmethod
    def of(cls, now: EngineStats, limits: Limits | None) -> Self:
        return cls(now.num_running, now.num_waiting, limits.max_num_seqs if limits else 0)


class KVBlocks(msgspec.Struct, frozen=True):
    used: int
    """Those that running sequences hold; cached prefixes that nobody holds are free."""
    total: int
    block_size: int

    @classmethod
    def of(cls, now: EngineStats, limits: Limits | None) -> Self:
        if limits is None:
            return cls(0, 0, 0)
        used = round(now.kv_cache_usage * limits.num_blocks)
        return cls(used, limits.num_blocks, limits.block_size)


class Totals(msgspec.Struct, frozen=True):
    """Since the engine's start."""

    prefilled_tokens: int
    """Computed for prompts, and again after preemptions; what the cache held is not among them."""
    generated_tokens: int
    cache_queried_tokens: int
    cache_hit_tokens: int
    preemptions: int

    @classmethod
    def of(cls, now: EngineStats) -> Self:
        return cls(
            now.num_prefilled_tokens,
            now.num_generated_tokens,
            now.num_queried_tokens,
            now.num_hit_tokens,
            now.num_preemptions,
        )


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
    now, limits = client.stats, client.limits
    return Stats(
        readiness.status,
        readiness.reason or "",
        services.model,
        EngineMoment.of(client.engine_epoch, now),
        Requests.of(now, limits),
        KVBlocks.of(now, limits),
        Totals.of(now),
    )
