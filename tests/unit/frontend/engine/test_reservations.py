"""Places under the engine's limits, across engines that come and go."""

import asyncio

import msgspec
import pytest
from support.fake_engine import FakeEngine
from support.fake_script import LIMITS, SOON_SILENT
from support.streams import connected, read, spec, until, wanted

from penstock.frontend.engine import EngineClient, LimitedError, Reservation, Wish
from penstock.protocol.errors import EngineGoneError
from penstock.protocol.messages import PROTOCOL_VERSION, Hello, Limits, Reserve, Verdict

WISH = Wish("search", certain=3, possible=200)
METERED: Limits = msgspec.structs.replace(LIMITS, is_metered=True)


async def reading(
    client: EngineClient, reservation: Reservation, into: list[int] | None = None
) -> list[int]:
    return await read(client, spec(200, reservation=reservation.id), into)


def test_it_is_asked_for_used_and_given_up(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.limits = METERED
        async with connected(engine) as client:
            assert client.is_metered
            reservation = await client.reserve(WISH)
            assert engine.reserved == [Reserve(reservation.id, "search", 3, 200)]
            assert await reading(client, reservation) == wanted(spec(200))
            assert engine.generates[0].reservation == reservation.id
            client.settle(reservation)
            await until(lambda: engine.settled == [reservation.id])

    asyncio.run(main())


def test_a_denial_is_raised_with_all_it_says(engine: FakeEngine) -> None:
    async def main() -> None:
        engine.verdict = lambda asked: Verdict(asked.id, False, "used up", 2.5)
        async with connected(engine) as client:
            with pytest.raises(LimitedError, match="used up") as denied:
                await client.reserve(WISH)
            assert denied.value.verdict.retry_after_s == 2.5

    asyncio.run(main())


def test_who_leaves_before_the_verdict_holds_no_place(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            engine.is_silent = True
            asking = asyncio.create_task(client.reserve(WISH))
            await asyncio.sleep(0.02)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            engine.is_silent = False
            await until(lambda: len(engine.settled) == 1)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "is_counted"), [("restart", False), ("goodbye", True), ("forget", True)]
)
def test_the_next_engine_is_told_what_is_open(
    engine: FakeEngine, fault: str, is_counted: bool
) -> None:
    """One that died has counted nothing of it; one that left in peace, or forgot us, all until then."""

    async def main() -> None:
        engine.step_s = 0.005
        async with connected(engine) as client:
            over = await client.reserve(WISH)
            client.settle(over)
            reservation = await client.reserve(WISH)
            assert await read(client, spec(7, reservation=reservation.id))
            seen: list[int] = []
            streaming = asyncio.create_task(reading(client, reservation, seen))
            await until(lambda: len(seen) > 5)
            getattr(engine, fault)()
            assert await streaming == wanted(spec(200))
            _, _, again = engine.reserved
            num_emitted = len(engine.generates[-1].emitted) // 4
            assert num_emitted > 5
            assert (again.id, again.resumes) == (reservation.id, True)
            assert again.possible == 200 - 7 - num_emitted
            assert again.certain == (0 if is_counted else 3 + 7 + num_emitted)
            assert engine.generates[-1].reservation == reservation.id

    asyncio.run(main())


def test_what_nobody_answered_is_asked_again_as_new(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            engine.is_silent = True
            asking = asyncio.create_task(client.reserve(WISH))
            await asyncio.sleep(0.02)
            engine.restart()
            engine.is_silent = False
            await asking
            assert not any(asked.resumes for asked in engine.reserved)

    asyncio.run(main())


def test_what_ended_while_the_engine_was_away_is_settled_when_it_is_back(
    engine: FakeEngine,
) -> None:
    async def main() -> None:
        engine.limits = SOON_SILENT
        async with connected(engine) as client:
            reservation = await client.reserve(WISH)
            engine.is_silent = True
            await until(lambda: not client.is_ready)
            client.settle(reservation)
            engine.is_silent = False
            await until(lambda: engine.settled == [reservation.id])
            assert len(engine.reserved) == 1

    asyncio.run(main())


def test_patience_ends_for_those_who_ask(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine, patience_s=0.2) as client:
            engine.restart(after_s=2.0)
            await until(lambda: not client.is_ready)
            for _ in range(2):
                with pytest.raises(EngineGoneError):
                    await client.reserve(WISH)

    asyncio.run(main())


def test_limits_may_come_while_it_runs(engine: FakeEngine) -> None:
    async def main() -> None:
        async with connected(engine) as client:
            assert not client.is_metered
            engine.limits = METERED
            client._send(Hello(PROTOCOL_VERSION, client.frontend_id, client.epoch))
            await until(lambda: client.is_metered)
            assert await read(client, spec()) == wanted(spec())

    asyncio.run(main())
