"""Short words for tests of EngineClient: ask, read, wait. Knows no fault."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from penstock.frontend.engine import (
    EngineClient,
    GenerateSpec,
)
from penstock.protocol import metrics, token_ids
from penstock.protocol.messages import FinishReason
from penstock.protocol.metrics import Registry
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.settings import FrontendSettings
from support.fake_engine import FakeEngine
from support.fake_script import expected


@asynccontextmanager
async def connected(engine: FakeEngine, patience_s: float = 20.0) -> AsyncIterator[EngineClient]:
    settings = FrontendSettings(endpoint=engine.endpoint, engine_patience_s=patience_s)
    client = EngineClient(settings, Registry())
    await client.start()
    try:
        await client.wait_ready(60)
        yield client
    finally:
        await client.close()


def spec(num_tokens: int = 20, prompt: tuple[int, ...] = (1, 2, 3), **rest: object) -> GenerateSpec:
    params = SamplingParams(max_tokens=num_tokens, seed=7)
    return GenerateSpec(prompt=token_ids.pack(prompt), params=params, **rest)  # type: ignore[arg-type]


async def read(
    client: EngineClient, asked: GenerateSpec, into: list[int] | None = None
) -> list[int]:
    """All tokens; who gives `into` can watch them come."""
    ids: list[int] = [] if into is None else into
    async with client.generate(asked) as stream:
        async for update in stream:
            ids += update.token_ids
    assert update.finish is FinishReason.LENGTH
    return ids


def wanted(asked: GenerateSpec) -> list[int]:
    return expected(asked.prompt, asked.params, asked.params.max_tokens)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.002)


def numbers(engine: FakeEngine) -> metrics.Snapshot:
    return metrics.merge(engine.pushed.values())
