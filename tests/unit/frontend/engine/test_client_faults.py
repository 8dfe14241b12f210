"""EngineClient against a fake engine: whatever happens to engines, readers get the same tokens."""

import asyncio

import pytest
from support import fake_script
from support.fake_engine import FakeEngine
from support.fake_script import SOON_SILENT
from support.streams import connected, read, spec, until, wanted

from penstock.frontend.engine import (
    BrokenStreamError,
    EngineClient,
    GenerateSpec,
    RefusedError,
    Update,
    logprob_rows,
)
from penstock.protocol import messages, token_ids
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.messages import RefusalCode
from penstock.protocol.metrics import Registry
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.settings import FrontendSettings


@pytest.mark.parametrize("fault", ["restart", "goodbye", "forget"])
def test_stream_goes_on_in_the_next_engine(engine: FakeEngine, fault: str) -> None:
    async def main() -> None:
        engine.step_s = 0.005
        async with connected(engine) as client:
            asked = spec(200)
            seen: list[int] = []
            reading = asyncio.create_task(read(client, asked, seen))
            await until(lambda: len(seen) > 5)
            getattr(engine, fault)()
            assert await reading == wanted(asked)
            _, second = engine.generates
            assert token_ids.count(second.emitted) > 5
            assert second.attempt == (1 if fault == "restart" else 0)

    asyncio.run(main())


def test_silent_engine_is_greeted_again_and_nothing_is_lost(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.step_s, engine.limits = 0.005, SOON_SILENT
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
            engine.restart(after_s=2.0)
            await until(lambda: not client.is_ready)
            with pytest.raises(RefusedError) as refused:
                await read(client, spec(deadline_s=0.2))
            assert refused.value.code is RefusalCode.DEADLINE

    asyncio.run(main())


def test_repeats_are_dropped_and_a_gap_fails_its_stream_alone(engine: FakeEngine) -> None:
    def with_repeats(tokens: messages.Tokens) -> messages.Tokens:
        return messages.Tokens([delta for delta in tokens.deltas for _ in range(2)])

    def with_a_gap(tokens: messages.Tokens) -> messages.Tokens:
        return messages.Tokens([d for d in tokens.deltas if d.id != 2 or d.offset != 5])

    async def main() -> None:
        async with connected(engine) as client:
            engine.edit = with_repeats
            assert await read(client, spec()) == wanted(spec())
            engine.edit = with_a_gap
            torn, whole = await asyncio.gather(
                read(client, spec(200)), read(client, spec(50)), return_exceptions=True
            )
            assert isinstance(torn, BrokenStreamError)
            assert whole == wanted(spec(50))
            await until(lambda: engine.aborted == [2])

    asyncio.run(main())


def test_log_probabilities_go_on_too(engine: FakeEngine) -> None:
    params = SamplingParams(max_tokens=200, seed=1, logprobs=2, prompt_logprobs=1)
    asked = GenerateSpec(prompt=token_ids.pack([5, 6, 7]), params=params)

    updates: list[Update] = []

    async def collect(client: EngineClient) -> None:
        async with client.generate(asked) as stream:
            await stream.pour(lambda update: updates.append(update) is None)

    async def main() -> None:
        engine.step_s = 0.003
        async with connected(engine) as client:
            reading = asyncio.create_task(collect(client))
            await until(lambda: len(updates) > 5)
            engine.restart()
            await reading
        assert engine.generates[1].params.prompt_logprobs is None
        tokens = [token for update in updates for token in update.token_ids]
        assert tokens == wanted(asked)
        got = logprob_rows.join([u.logprobs for u in updates if u.logprobs is not None])
        assert got == fake_script.logprobs(tokens, 2)
        prompt = [u.prompt_logprobs for u in updates if u.prompt_logprobs is not None]
        assert prompt == [fake_script.logprobs([6, 7], 1)]

    asyncio.run(main())


def test_thousands_of_streams_through_two_engines(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.is_holding = True
        asked = [spec(60, prompt=(i,)) for i in range(2000)]
        async with connected(engine) as client:
            reading = asyncio.gather(*(read(client, one) for one in asked))
            await until(lambda: engine.num_running == len(asked))
            engine.is_holding = False
            await asyncio.sleep(0.05)
            engine.restart()
            assert await reading == [wanted(one) for one in asked]
            assert client.num_streams == 0

    asyncio.run(main())


def test_an_engine_of_another_protocol_is_not_used(engine: FakeEngine) -> None:
    engine.protocol_version = 99

    async def main() -> None:
        client = EngineClient(FrontendSettings(endpoint=engine.endpoint), Registry())
        await client.start()
        await until(lambda: "protocol 99" in client.reason_away)
        with pytest.raises(EngineGoneError, match="protocol 99"):
            await client.wait_ready(0.1)
        await client.close()

    asyncio.run(main())
