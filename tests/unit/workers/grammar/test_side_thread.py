"""Errands are done in order, each once, by the thread or by whoever waits for it."""

import threading
import time

import pytest

from penstock.workers.grammar.side_thread import SideThread


def test_errands_are_done_in_order_and_each_once() -> None:
    thread, done = SideThread("test"), list[int]()
    for round_ in range(300):
        for number in range(3):
            thread.do(lambda number=3 * round_ + number: done.append(number))
        if round_ % 7 == 0:
            time.sleep(0.0002)
        thread.wait()
        assert done == list(range(3 * round_ + 3))


def test_others_work_meanwhile() -> None:
    thread, gone_on = SideThread("test"), threading.Event()
    thread.do(lambda: gone_on.wait(10) or pytest.fail("nobody went on"))
    gone_on.set()
    thread.wait()


def test_what_has_not_begun_is_done_by_who_waits() -> None:
    thread, doers = SideThread("test"), list[str]()
    begun, may_end = threading.Event(), threading.Event()
    thread.do(lambda: begun.set() or may_end.wait(10))
    begun.wait(10)
    for _ in range(2):
        thread.do(lambda: doers.append(threading.current_thread().name))
    may_end.set()
    thread.wait()
    assert len(doers) == 2


def test_what_is_not_worth_waking_anybody_waits_for_who_needs_it() -> None:
    thread, doers = SideThread("test"), list[str]()
    thread.do(lambda: doers.append(threading.current_thread().name), wake=False)
    time.sleep(0.05)
    assert doers == []
    thread.wait()
    assert doers == [threading.current_thread().name]


def test_an_error_is_raised_where_somebody_waits_and_the_rest_is_done() -> None:
    thread, done = SideThread("test"), list[int]()
    thread.do(lambda: int("x"))
    thread.do(lambda: done.append(1))
    with pytest.raises(ValueError, match="invalid literal"):
        thread.wait()
    thread.wait()
    assert done == [1]


@pytest.mark.parametrize("reason", [SystemExit, KeyboardInterrupt])
def test_what_is_meant_for_the_process_ends_the_wait_at_once(reason: type[BaseException]) -> None:
    def interrupted() -> None:
        raise reason

    thread, done = SideThread("test"), list[int]()
    thread.do(interrupted, wake=False)
    thread.do(lambda: done.append(int("1")), wake=False)
    with pytest.raises(reason):
        thread.wait()
    assert done == []
    thread.wait()
    assert done == [1]
