"""EngineClient against a fake engine: whatever happens to engines, readers get the same text."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from support.fake_engine import FakeEngine
from support.fake_script import expected

from penstock.frontend.engine import EngineClient, GenerateSpec, RefusedError
from penstock.protocol import messages, metrics, token_ids
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.messages import FinishReason, RefusalCode
from penstock.protocol.metrics import Registry
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.settings import FrontendSettings


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@asynccontextmanager
async def connected(engine: FakeEngine, patience_s: float = 20.0) -> AsyncIterator[EngineClient]:
    settings = FrontendSettings(endpoint=engine.endpoint, engine_patience_s=patience_s)
    client = EngineClient(settings, Registry())
    await client.start()
    await client.wait_ready(5)
    yield client
    await client.close()


def spec(num_tokens: int = 20, prompt: tuple[int, ...] = (1, 2, 3), **rest: object) -> GenerateSpec:
    params = SamplingParams(max_tokens=num_tokens, seed=7)
    return GenerateSpec(prompt=token_ids.pack(prompt), params=params, **rest)  # type: ignore[arg-type]


async def read(client: EngineClient, asked: GenerateSpec) -> list[int]:
    ids: list[int] = []
    async with client.generate(asked) as stream:
        async for update in stream:
            ids += update.token_ids
    assert update.finish is FinishReason.LENGTH
    return ids


def wanted(asked: GenerateSpec) -> list[int]:
    return expected(asked.prompt, asked.params, asked.params.max_tokens)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def test_welcome_brings_card_limits_and_stats(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.stats = messages.EngineStats(num_running=3)
        async with connected(engine) as client:
            assert client.card == engine.card
            assert client.limits == engine.limits
            await until(lambda: client.stats.num_running == 3)
            assert client.engine_age_s < 1
        await until(lambda: engine.left == ["the front end ends"])

    asyncio.run(main())


def test_stream(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            assert await read(client, spec()) == wanted(spec())
            assert client.num_streams == 0

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["restart", "goodbye", "forget"])
def test_stream_goes_on_in_the_next_engine(engine: FakeEngine, fault: str) -> None:
    async def main() -> None:
        engine.step_s = 0.005
        async with connected(engine) as client:
            asked = spec(100)
            reading = asyncio.create_task(read(client, asked))
            await until(lambda: engine.num_running == 1)
            await asyncio.sleep(0.1)
            getattr(engine, fault)()
            assert await reading == wanted(asked)
            _, second = engine.generates
            assert token_ids.count(second.emitted) > 5
            assert second.attempt == (1 if fault == "restart" else 0)

    asyncio.run(main())


def test_silent_engine_is_greeted_again_and_nothing_is_lost(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.step_s = 0.005
        async with connected(engine) as client:
            reading = asyncio.create_task(read(client, spec(100)))
            await until(lambda: engine.num_running == 1)
            engine.is_silent = True
            await until(lambda: not client.is_ready)
            assert "silent" in client.reason_away
            engine.is_silent = False
            assert await reading == wanted(spec(100))
            assert engine.generates[-1].attempt == 0  # it was the same engine

    asyncio.run(main())


def test_request_that_kills_engines_fails_alone(engine: FakeEngine) -> None:
    async def main() -> None:
        poison = spec(5, prompt=(666,))
        engine.dies_of = lambda request: request.prompt == poison.prompt
        async with connected(engine) as client:
            with pytest.raises(RefusedError) as refused:
                await read(client, poison)
            assert refused.value.code is RefusalCode.POISONED
            assert [request.attempt for request in engine.generates] == [0, 1, 2]
            assert await read(client, spec()) == wanted(spec())

    asyncio.run(main())


def test_refusal(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.refusal = lambda _: messages.Refused(0, RefusalCode.OVERLOADED, "full", 3.0)
        async with connected(engine) as client:
            with pytest.raises(RefusedError, match="full") as refused:
                await read(client, spec())
            assert refused.value.retry_after_s == 3.0
            assert engine.aborted == []

    asyncio.run(main())


def test_cancelled_reader_aborts(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.is_holding = True
        async with connected(engine) as client:
            reading = asyncio.create_task(read(client, spec()))
            await until(lambda: engine.num_running == 1)
            reading.cancel()
            await asyncio.wait([reading])
            await until(lambda: engine.aborted == [1])
            assert engine.num_running == 0

    asyncio.run(main())


def test_leaving_early_aborts_and_a_stop_counts_as_one(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            async with client.generate(spec(1000)) as stream:
                await anext(stream)
                stream.stop()
            await until(lambda: engine.aborted == [1])
            page = metrics.decode(await client.control(messages.ControlVerb.METRICS))
            await until(lambda: bool(engine.pushed))
            assert page.counters["vllm:request_success_total\tabort"] == 0

    asyncio.run(main())


def test_patience_ends(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine, patience_s=0.3) as client:
            reading = asyncio.create_task(read(client, spec(10_000)))
            await until(lambda: engine.num_running == 1)
            engine.restart(after_s=2.0)
            with pytest.raises(EngineGoneError):
                await reading
            with pytest.raises(EngineGoneError):
                await read(client, spec())

    asyncio.run(main())


def test_deadline_passes_without_an_engine(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            engine.restart(after_s=1.0)
            await until(lambda: not client.is_ready)
            with pytest.raises(RefusedError) as refused:
                await read(client, spec(deadline_s=0.2))
            assert refused.value.code is RefusalCode.DEADLINE

    asyncio.run(main())
