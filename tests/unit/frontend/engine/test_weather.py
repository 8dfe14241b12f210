"""Engines that come, go, hang, forget and stutter at random: every reader still gets exactly its tokens."""

import asyncio
import random
from collections.abc import Callable

import pytest
import uvloop
from support.fake_engine import FakeEngine
from support.fake_script import SOON_SILENT
from support.streams import connected, read, spec, until, wanted
from support.variants import often

from penstock.protocol.messages import Tokens

MAX_DEATHS = 2
"""A third would fail the requests, as it should."""


def stutter(tokens: Tokens) -> Tokens:
    return Tokens([delta for delta in tokens.deltas for _ in range(1 + delta.id % 2)])


async def hang(engine: FakeEngine, seconds: float) -> None:
    engine.is_silent = True
    await asyncio.sleep(seconds)
    engine.is_silent = False


async def rain(engine: FakeEngine, dice: random.Random, is_over: Callable[[], bool]) -> None:
    deaths = 0
    while not is_over():
        await asyncio.sleep(dice.uniform(0.0, 0.15))
        match dice.choice(["die", "part", "forget", "hang", "stutter"]):
            case "die" if deaths < MAX_DEATHS:
                deaths += 1
                engine.restart(after_s=dice.choice([0.0, 0.05]))
            case "part":
                engine.goodbye()
            case "forget":
                engine.forget()
            case "hang":
                await hang(engine, dice.choice([0.05, 0.6]))
            case _:
                engine.edit = stutter


@pytest.mark.parametrize("seed", often(range(2), range(4)))
def test_any_weather(engine: FakeEngine, seed: int) -> None:
    async def main() -> None:
        dice = random.Random(seed)
        engine.step_s, engine.limits = 0.005, SOON_SILENT
        asked = [spec(dice.randint(1, 150), prompt=(i,)) for i in range(40)]
        async with connected(engine) as client:
            reading = asyncio.gather(*(read(client, one) for one in asked))
            await rain(engine, dice, reading.done)
            assert await reading == [wanted(one) for one in asked]
            await until(lambda: client.is_ready and engine.num_running == 0)

    uvloop.run(asyncio.wait_for(main(), 120))
