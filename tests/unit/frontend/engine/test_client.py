"""EngineClient against a fake engine: asking, leaving, being refused, being counted."""

import asyncio

import pytest
from support.fake_engine import FakeEngine
from support.streams import connected, numbers, read, spec, until, wanted

from penstock.frontend.engine import (
    EngineClient,
    RefusedError,
)
from penstock.protocol import messages
from penstock.protocol.errors import EngineGoneError, SettingsError
from penstock.protocol.messages import RefusalCode
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings


def test_welcome_brings_card_limits_and_stats(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.stats = messages.EngineStats(num_running=3)
        async with connected(engine) as client:
            assert client.card == engine.card
            assert client.limits == engine.limits
            await until(lambda: client.stats.num_running == 3)
            assert client.engine_age_s < 60
        await until(lambda: engine.left == ["the front end ends"])

    asyncio.run(main())


def test_stream(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            assert await read(client, spec()) == wanted(spec())
            assert client.num_streams == 0

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
            finished = "vllm:request_success_total\t"
            await until(lambda: numbers(engine).counters.get(finished + "stop") == 1)
            assert numbers(engine).counters[finished + "abort"] == 0

    asyncio.run(main())


def test_slow_reader_gets_few_and_large_updates(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client, client.generate(spec(100)) as stream:
            await until(lambda: bool(engine.generates) and engine.num_running == 0)
            await until(lambda: num_arrived(engine) == 100)
            updates = [update async for update in stream]
            assert len(updates) == 1
            assert updates[0].token_ids == wanted(spec(100))

    asyncio.run(main())


def num_arrived(engine: FakeEngine) -> float:
    """Tokens, by what the front end has told of itself."""
    return numbers(engine).counters.get("vllm:generation_tokens_total", 0.0)


def test_requests_that_come_before_the_engine() -> None:
    async def main(engine: FakeEngine) -> None:
        settings = FrontendSettings(endpoint=engine.endpoint)
        client = EngineClient(settings, Registry())
        await client.start()
        reading = asyncio.create_task(read(client, spec()))
        with pytest.raises(EngineGoneError, match="no engine"):
            await client.wait_ready(0.1)
        engine.is_silent = False
        assert await reading == wanted(spec())
        assert engine.generates[0].attempt == 0
        await client.close()

    engine = FakeEngine()
    engine.is_silent = True
    with engine:
        asyncio.run(main(engine))


def test_control(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            verb = messages.ControlVerb.RESET_PREFIX_CACHE
            assert await client.control(verb) == b"\x01"
            engine.is_silent = True
            with pytest.raises(EngineGoneError, match=r"within 0\.1 s"):
                await client.control(verb, timeout_s=0.1)

    asyncio.run(main())


def test_numbers_reach_the_engine(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            await read(client, spec(20))
            await until(lambda: "vllm:e2e_request_latency_seconds" in numbers(engine).histograms)
            await until(lambda: numbers(engine).counters["vllm:generation_tokens_total"] == 20)
            snapshot = numbers(engine)
            assert snapshot.counters["vllm:request_success_total\tlength"] == 1
            assert snapshot.counters["vllm:prompt_tokens_total"] == 3
            assert sum(snapshot.histograms["vllm:inter_token_latency_seconds"].counts) == 19
            assert snapshot.gauges["penstock:open_streams"] == 0

    asyncio.run(main())


def test_closing_fails_what_is_open(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.is_holding = True
        async with connected(engine) as client:
            reading = asyncio.create_task(read(client, spec()))
            await until(lambda: engine.num_running == 1)
            await client.close("SIGTERM")
            with pytest.raises(EngineGoneError, match="SIGTERM"):
                await reading
        await until(lambda: engine.left == ["SIGTERM"])

    asyncio.run(main())


def test_an_endpoint_is_needed() -> None:
    with pytest.raises(SettingsError, match="--endpoint"):
        EngineClient(FrontendSettings(), Registry())
