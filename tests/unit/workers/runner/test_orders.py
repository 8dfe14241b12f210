"""A worker's line with two plans on it: answers in order, and idle moments put to use."""

import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.chain_masks import ChainMasks
from support.flights import PLAIN, READING, make_seqs, one_at_a_time, untimed
from support.late_stream import LateStream
from support.recorded_stream import RecordedStream
from support.runner_driver import Driver, load_tiny
from support.static_ops import STATIC_OPS
from support.tiny_decoder import VOCAB_SIZE, write_tiny_model

from penstock.protocol.codec import from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import Shutdown, StepResult, ToWorker
from penstock.workers.backend import Backend
from penstock.workers.link import Link, LinkSettings
from penstock.workers.orders import IDLE_S, carry_out

NUM_SLOTS = 4
PATIENCE_S = 120.0


class Engine:
    """The other end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._reader = FrameReader()
        self._arrived: list[bytes] = []
        self._encode, self._decode = to_worker_codec().encode, from_worker_codec().decode

    def send(self, *messages: ToWorker) -> None:
        self._end.sendall(b"".join(frame(self._encode(message)) for message in messages))

    def result(self) -> StepResult:
        while not self._arrived:
            self._arrived += self._reader.feed(self._end.recv(READ_BYTES))
        found = self._decode(self._arrived.pop(0))
        assert isinstance(found, StepResult)
        return found


@pytest.fixture
def ends() -> Iterator[tuple[Link, Engine]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE_S)
    link = Link(LinkSettings(link=ours.detach(), model_dir=""))
    yield link, Engine(theirs)
    link.close()
    theirs.close()


@pytest.mark.parametrize("seed", range(3))
def test_two_plans_on_the_line(tmp_path: Path, ends: tuple[Link, Engine], seed: int) -> None:
    link, engine = ends
    dice, model = random.Random(seed), load_tiny(write_tiny_model(tmp_path))
    history = one_at_a_time(model, make_seqs(dice, 6, (*PLAIN, *READING)), dice).history
    masks, stream = ChainMasks(NUM_SLOTS, VOCAB_SIZE), LateStream(random.Random(seed))
    runner = Driver(model, NUM_SLOTS, stream=stream, masks=masks).runner
    plans, found = [plan for plan, _ in history], []
    with ThreadPoolExecutor(1) as worker:
        served = worker.submit(carry_out, link, runner, None, link.send)
        engine.send(*plans[:2])
        for plan in plans[2:]:
            found.append(engine.result())
            engine.send(plan)
        found += [engine.result() for _ in plans[:2]]
        engine.send(Shutdown())
        served.result(PATIENCE_S)
    assert untimed(found) == untimed([result for _, result in history])


def test_idle_moments_are_put_to_use(tmp_path: Path, ends: tuple[Link, Engine]) -> None:
    """All graphs are there before the first plan, which is answered like any."""
    link, engine = ends
    dice = random.Random(1)
    model = load_tiny(write_tiny_model(tmp_path), backend=Backend(STATIC_OPS))
    history = one_at_a_time(model, make_seqs(dice, 3, PLAIN, longest=1), dice).history
    driver = Driver(model, NUM_SLOTS, stream=RecordedStream(dice), captures=True)
    prepared: list[bool] = []
    prepare = driver.runner.prepare
    driver.runner.prepare = lambda: prepared.append(prepare()) or prepared[-1]  # type: ignore[method-assign,func-returns-value]
    with ThreadPoolExecutor(1) as worker:
        served = worker.submit(carry_out, link, driver.runner, None, link.send)
        while prepared != [True, True, False]:
            assert not served.done()
            time.sleep(IDLE_S)
        engine.send(history[0][0])
        assert engine.result().token_ids == history[0][1].token_ids
        engine.send(Shutdown())
        served.result(PATIENCE_S)
