"""Carries out what an engine core orders, until it shuts down. Knows the order of things, not what a step does."""

from collections.abc import Callable

from penstock.protocol.plan import Prepare, Release, StepPlan, StepResult
from penstock.workers.flight import Flight
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.link import Link, Order
from penstock.workers.runner import ModelRunner

IDLE_S = 0.02
"""So long without an order, and nobody is being served: between the steps of a stream it is far less."""


def carry_out(
    link: Link,
    runner: ModelRunner,
    compiler: Compiler | None,
    answer: Callable[[StepResult], None] | None,
) -> None:
    """Grammars and answers are for the rank that samples alone."""
    flight = Flight(runner, answer or _unheard)
    has_more = _pass_time(link, flight, runner, has_more=True)
    for order in link.orders():
        _obey(order, flight, link, compiler)
        has_more = _pass_time(link, flight, runner, has_more)


def _obey(order: Order, flight: Flight, link: Link, compiler: Compiler | None) -> None:
    match order:
        case StepPlan():
            flight.step(order)
        case Prepare() if compiler is not None:
            compiler.prepare(order, link.send)
        case Release() if compiler is not None:
            compiler.release(order.ids)
        case Prepare() | Release():
            """Another rank's."""


def _pass_time(link: Link, flight: Flight, runner: ModelRunner, has_more: bool) -> bool:
    """Until there is an order: collects what is at work as soon as it is done, then prepares for later.

    Returns whether there is more to prepare.
    """
    if flight.is_up and not link.arrives_before(flight.is_done):
        flight.land()
    while has_more and not flight.is_up and not link.arrives_within(IDLE_S):
        has_more = runner.prepare()
    return has_more


def _unheard(result: StepResult) -> None:
    """Another rank's answer is enough."""
