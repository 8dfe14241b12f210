"""When plans are launched and when they are collected, and how a worker waits for both."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.protocol.codec import to_worker_codec
from penstock.protocol.frames import frame
from penstock.protocol.plan import Shutdown, StepPlan
from penstock.workers.flight import Flight
from penstock.workers.link import Link, LinkSettings


@dataclass
class Pending:
    plan: int
    done: bool = False

    @property
    def arrival(self) -> "Pending":
        return self

    def is_here(self) -> bool:
        return self.done


@dataclass
class Runner:
    """Tells what it was asked."""

    runs_ahead: bool
    told: list[Any] = field(default_factory=list)
    launched: list[Pending] = field(default_factory=list)

    def launch(self, plan: int) -> Pending:
        self.told.append(f"launch {plan}")
        self.launched.append(Pending(plan))
        return self.launched[-1]

    def collect(self, pending: Pending) -> int:
        self.told.append(f"collect {pending.plan}")
        return pending.plan


def fly(*, runs_ahead: bool) -> tuple[Flight, Runner]:
    runner = Runner(runs_ahead)
    return Flight(runner, lambda plan: runner.told.append(f"answer {plan}")), runner


def test_a_plan_is_launched_before_the_one_ahead_is_collected() -> None:
    flight, runner = fly(runs_ahead=True)
    flight.step(1)
    assert (flight.is_up, flight.is_done()) == (True, False)
    flight.step(2)
    assert runner.told == ["launch 1", "launch 2", "collect 1", "answer 1"]
    runner.launched[1].done = True
    assert flight.is_done()
    flight.land()
    assert runner.told[4:] == ["collect 2", "answer 2"]
    assert not flight.is_up
    flight.land()
    assert len(runner.told) == 6


def test_where_nothing_runs_by_itself_each_is_answered_at_once() -> None:
    flight, runner = fly(runs_ahead=False)
    for plan in (1, 2):
        flight.step(plan)
        assert not flight.is_up
    assert runner.told == ["launch 1", "collect 1", "answer 1", "launch 2", "collect 2", "answer 2"]


@pytest.fixture
def ends() -> Iterator[tuple[Link, socket.socket]]:
    """Of a worker's line to its engine core."""
    ours, engine = socket.socketpair()
    link = Link(LinkSettings(link=ours.detach(), model_dir=""))
    yield link, engine
    link.close()
    engine.close()


def bytes_of(message: Any) -> bytes:
    return frame(to_worker_codec().encode(message))


def test_what_is_there_comes_before_what_is_over(ends: tuple[Link, socket.socket]) -> None:
    link, engine = ends
    engine.sendall(bytes_of(StepPlan(7, b"", b"")))
    assert link.arrives_before(lambda: True)
    assert link.arrives_within(0)
    received = link.receive()
    assert isinstance(received, StepPlan)
    assert received.step == 7
    assert not link.arrives_within(0)
    assert not link.arrives_before(lambda: True)


def test_half_a_message_is_none(ends: tuple[Link, socket.socket]) -> None:
    link, engine = ends
    data, looks = bytes_of(StepPlan(3, b"1234" * 20, b"")), []

    def send_the_rest() -> bool:
        looks.append(len(looks))
        if looks == [0]:
            engine.sendall(data[9:])
        return len(looks) > 1000

    engine.sendall(data[:9])
    assert link.arrives_before(send_the_rest)
    assert isinstance(link.receive(), StepPlan)


def test_an_engine_core_that_is_gone_is_something_to_receive(
    ends: tuple[Link, socket.socket],
) -> None:
    link, engine = ends
    engine.close()
    assert link.arrives_before(lambda: True)
    assert isinstance(link.receive(), Shutdown)
    assert isinstance(link.receive(), Shutdown)
