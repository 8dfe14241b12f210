"""Sequences that wait for their constraint: who is released, who is refused, and what stays compiled."""

import pytest

from penstock.engine_core import preparing as module
from penstock.engine_core.admission import Refusal, Rejection, SchedulerConfig
from penstock.engine_core.preparing import Preparing
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import RefusalCode
from penstock.protocol.plan import Prepare, Prepared, Release
from penstock.protocol.sampling import SamplingParams

CONFIG = SchedulerConfig(
    num_blocks=64,
    block_size=4,
    max_num_seqs=8,
    max_num_batched_tokens=64,
    max_model_len=64,
    max_queued_requests=4,
    max_queued_tokens=1000,
)


class Room:
    """A scheduler, what waits before it, and what the workers were told."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(CONFIG)
        self.told: list[Prepare | Release] = []
        self.preparing = Preparing(self.scheduler, self.told.append)
        self.preparing.workers_ready()

    def ask(self, text: str, request_id: int = 1) -> tuple[Sequence, Rejection | None]:
        params = SamplingParams(8, eos_token_ids=(2,), constraint=Constraint("regex", text))
        sequence = Sequence(request_id, [3, 4, 5], params)
        rejection = self.scheduler.add(sequence, held=True)
        assert rejection is None or isinstance(rejection, Rejection)
        self.scheduler.check()
        return sequence, rejection or self.preparing.hold(sequence)

    def drop(self, sequence: Sequence) -> None:
        self.scheduler.drop(sequence)
        self.preparing.left(sequence)
        self.scheduler.check()

    def run(self) -> list[Sequence]:
        step = self.scheduler.schedule()
        return step.rows if step else []

    def crash(self) -> list[Refusal]:
        """As the engine has it, which then starts new workers."""
        self.scheduler.requeue_running()
        refused = self.preparing.workers_lost()
        for sequence, _ in refused:
            self.drop(sequence)
        self.scheduler.check()
        self.preparing.workers_ready()
        return refused

    def take_told(self) -> list[Prepare | Release]:
        told, self.told[:] = [*self.told], []
        return told


def test_equal_constraints_are_compiled_once_and_all_who_wait_start_together() -> None:
    room = Room()
    first, _ = room.ask("a", 1)
    second, _ = room.ask("a", 2)
    assert room.take_told() == [Prepare(1, Constraint("regex", "a"))]
    assert room.scheduler.schedule() is None
    assert (room.scheduler.waiting.num_held, len(room.scheduler.waiting)) == (2, 0)
    assert room.preparing.finished(Prepared(1)) == []
    room.scheduler.check()
    assert (first.state, second.state) == (State.WAITING, State.WAITING)
    third, _ = room.ask("a", 3)
    assert third.state is State.WAITING
    assert room.take_told() == []
    step = room.scheduler.schedule()
    assert step is not None
    assert step.rows == [first, second, third]


def test_one_that_arrived_earlier_is_served_earlier_though_it_had_to_wait() -> None:
    room = Room()
    held, _ = room.ask("a", 1)
    plain = Sequence(2, [3, 4], SamplingParams(8))
    assert room.scheduler.add(plain) is None
    room.preparing.finished(Prepared(1))
    step = room.scheduler.schedule()
    assert step is not None
    assert step.rows == [held, plain]


def test_an_error_refuses_all_who_wait_and_is_not_remembered() -> None:
    room = Room()
    first, _ = room.ask("a", 1)
    aborted, _ = room.ask("a", 2)
    room.scheduler.drop(aborted)
    [(refused, rejection)] = room.preparing.finished(Prepared(1, "no such class"))
    assert refused is first
    assert rejection.code is RefusalCode.UNSUPPORTED
    assert "no such class" in rejection.message
    room.take_told()
    room.ask("a", 3)
    assert room.take_told() == [Prepare(2, Constraint("regex", "a"))]
    assert room.preparing.finished(Prepared(1)) == []


def test_the_bounds_of_the_queue_count_those_who_are_held() -> None:
    room = Room()
    for number in range(CONFIG.max_queued_requests):
        assert room.ask(str(number), number)[1] is None
    rejection = room.ask("more", 9)[1]
    assert rejection is not None
    assert rejection.bound == "max_num_queued_reqs"
    assert isinstance(room.scheduler.add(Sequence(10, [1], SamplingParams(4))), Rejection)


def test_an_aborted_one_no_longer_counts() -> None:
    room = Room()
    sequence, _ = room.ask("a")
    room.scheduler.drop(sequence)
    room.scheduler.drop(sequence)
    room.scheduler.check()
    waiting = room.scheduler.waiting
    assert (waiting.num_held, waiting.num_tokens, sequence.state) == (0, 0, State.FINISHED)
    assert room.preparing.finished(Prepared(1)) == []
    assert room.scheduler.schedule() is None


def test_new_workers_compile_again_what_living_sequences_have() -> None:
    room = Room()
    running, _ = room.ask("running", 1)
    room.preparing.finished(Prepared(1))
    room.ask("held", 2)
    gone, _ = room.ask("gone", 3)
    room.preparing.finished(Prepared(3))
    room.scheduler.drop(gone)
    room.take_told()
    assert room.preparing.workers_lost() == []
    assert room.ask("meanwhile", 4)[1] is None
    assert room.take_told() == []
    room.preparing.workers_ready()
    told = {message.constraint.text for message in room.take_told() if isinstance(message, Prepare)}
    assert told == {"running", "held", "meanwhile"}
    assert running.state is State.HELD


def test_a_constraint_that_workers_die_of_is_given_up() -> None:
    room = Room()
    sequence, _ = room.ask("deadly")
    assert room.preparing.workers_lost() == []
    room.preparing.workers_ready()
    [(refused, rejection)] = room.preparing.workers_lost()
    assert (refused, rejection.code) == (sequence, RefusalCode.POISONED)


def test_places_of_what_nobody_has_any_more_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONSTRAINTS", 2)
    room = Room()
    old, _ = room.ask("old", 1)
    room.preparing.finished(Prepared(1))
    room.ask("other", 2)
    rejection = room.ask("third", 3)[1]
    assert rejection is not None
    assert rejection.code is RefusalCode.OVERLOADED
    room.scheduler.drop(old)
    room.take_told()
    assert room.ask("third", 4)[1] is None
    assert room.take_told() == [Release([1]), Prepare(3, Constraint("regex", "third"))]


def test_memory_is_a_bound_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    room = Room()
    large, _ = room.ask("large", 1)
    room.preparing.finished(Prepared(1, "", 1000))
    room.scheduler.drop(large)
    room.take_told()
    assert room.ask("next", 2)[1] is None
    assert Release([1]) in room.take_told()


def test_what_nobody_waits_for_any_more_is_not_compiled() -> None:
    room = Room()
    first, second = (room.ask("a", number)[0] for number in (1, 2))
    room.drop(first)
    assert room.take_told() == [Prepare(1, Constraint("regex", "a"))]
    room.drop(second)
    assert room.take_told() == [Release([1])]
    again, _ = room.ask("a", 3)
    assert room.take_told() == [Prepare(2, Constraint("regex", "a"))]
    room.preparing.finished(Prepared(1))
    assert again.state is State.HELD
    room.preparing.finished(Prepared(2))
    room.drop(again)
    assert room.take_told() == []


def test_who_ran_is_held_until_new_workers_have_compiled_it_again() -> None:
    room = Room()
    running, _ = room.ask("a", 1)
    waiting, _ = room.ask("b", 2)
    free = Sequence(3, [3, 4], SamplingParams(8))
    room.scheduler.add(free)
    room.preparing.finished(Prepared(1))
    assert room.run() == [running, free]
    room.preparing.finished(Prepared(2))
    assert room.crash() == []
    assert room.run() == [free]
    assert (running.state, waiting.state) == (State.HELD, State.HELD)
    room.preparing.finished(Prepared(2))
    assert room.run() == [free, waiting]
    room.preparing.finished(Prepared(1))
    assert {*room.run()} == {running, free, waiting}
    room.scheduler.check()


def test_only_what_was_being_compiled_is_blamed_and_all_of_its_sequences_are_refused() -> None:
    room = Room()
    ran, _ = room.ask("deadly", 1)
    innocent, _ = room.ask("innocent", 2)
    room.preparing.finished(Prepared(1))
    assert room.run() == [ran]
    room.ask("deadly", 3)
    assert room.crash() == []
    told = [m.id for m in room.take_told() if isinstance(m, Prepare)]
    assert told[-2:] == [2, 1]
    room.preparing.finished(Prepared(2))
    also, _ = room.ask("deadly", 4)
    assert room.crash() == []
    room.preparing.finished(Prepared(2))
    refused = room.crash()
    assert {sequence.id for sequence, _ in refused} == {1, 3, 4}
    assert {rejection.code for _, rejection in refused} == {RefusalCode.POISONED}
    assert innocent.state is State.HELD
    assert also.state is State.FINISHED


def test_what_could_be_compiled_after_all_is_not_suspected_any_more() -> None:
    room = Room()
    sequence, _ = room.ask("a")
    for number in (2, 3):
        assert room.crash() == []
        room.preparing.finished(Prepared(1))
        assert sequence in room.run()
        assert room.crash() == []
        room.ask("a", number)


def test_one_that_was_released_is_not_mistaken_for_the_next() -> None:
    room = Room()
    gone, _ = room.ask("gone", 1)
    room.ask("next", 2)
    room.drop(gone)
    assert room.crash() == []
    assert room.crash() == []
    assert [sequence.id for sequence, _ in room.crash()] == [2]
