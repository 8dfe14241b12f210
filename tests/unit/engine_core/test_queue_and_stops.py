"""The order of service, the bounds of the queue, and the ends of a sequence."""

import random
from typing import Any

import pytest

from penstock.engine_core import stops
from penstock.engine_core.admission import SchedulerConfig, examine
from penstock.engine_core.fairness import Line
from penstock.engine_core.queues import WaitingQueue
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import FinishReason, RefusalCode
from penstock.protocol.sampling import SamplingParams

PARAMS = SamplingParams(max_tokens=10)


def ranked(*ranks: tuple[int, int]) -> list[Sequence]:
    made = []
    for rank in ranks:
        sequence = Sequence(1, [1, 2], PARAMS)
        sequence.rank = rank
        made.append(sequence)
    return made


def _next_of(queue: WaitingQueue) -> Sequence:
    sequence = queue.peek()
    assert sequence is not None
    queue.pop(sequence)
    return sequence


def test_lower_priority_numbers_first_then_arrival() -> None:
    sequences = ranked((1, 1), (0, 2), (1, 3), (0, 4))
    queue = WaitingQueue()
    for sequence in sequences:
        queue.push(sequence)
    order = [_next_of(queue) for _ in range(4)]
    assert [s.rank for s in order] == [(0, 2), (0, 4), (1, 1), (1, 3)]
    assert all(s.state is State.RUNNING for s in order)
    queue.push_back(sequences[0])
    assert queue.peek() is sequences[0], "a preempted sequence comes back to the front"


def lines(queue: WaitingQueue) -> list[Line]:
    return [line for found in queue._shares.classes.values() for line in found.lines.values()]


def test_aborts_anywhere_leave_no_trace() -> None:
    rng = random.Random(1)
    queue, living = WaitingQueue(), []
    for arrival in range(2000):
        (sequence,) = ranked((rng.randrange(3), arrival))
        queue.push(sequence)
        living.append(sequence)
        if rng.random() < 0.9:
            queue.remove(living.pop(rng.randrange(len(living))))
        queue.check()
    assert sum(1 for line in lines(queue) for _ in line.heap) < 2 * len(queue) + 3 * 70
    assert [_next_of(queue) for _ in living] == sorted(living, key=lambda s: s.rank)
    assert queue.peek() is None


REGEX = Constraint("regex", "a")


def ends(output: list[int], **params: Any) -> tuple[FinishReason | None, int | None]:
    sequence = Sequence(1, [9, 9], SamplingParams(max_tokens=4, **params))
    sequence.max_len = 6
    sequence.tokens.extend(output)
    return stops.ending(sequence)


@pytest.mark.parametrize(
    ("output", "params", "end"),
    [
        ([5], {}, (None, None)),
        ([5], {"eos_token_ids": (5,)}, (FinishReason.STOP, None)),
        ([5], {"stop_token_ids": (4, 5)}, (FinishReason.STOP, 5)),
        ([5], {"eos_token_ids": (5,), "stop_token_ids": (5,)}, (FinishReason.STOP, None)),
        ([5], {"eos_token_ids": (5,), "min_tokens": 1}, (None, None)),
        ([1, 5], {"eos_token_ids": (5,), "min_tokens": 1}, (FinishReason.STOP, None)),
        ([1, 1, 1, 1], {}, (FinishReason.LENGTH, None)),
        ([1, 1, 1, 5], {"stop_token_ids": (5,)}, (FinishReason.STOP, 5)),
        ([], {"eos_token_ids": (9,)}, (None, None)),
        ([], {"eos_token_ids": (9,), "constraint": REGEX}, (None, None)),
        (
            [5],
            {"eos_token_ids": (5,), "min_tokens": 3, "constraint": REGEX},
            (FinishReason.STOP, None),
        ),
    ],
)
def test_a_sequence_ends_with_the_token_that_says_so(
    output: list[int], params: dict[str, Any], end: tuple[FinishReason | None, int | None]
) -> None:
    assert ends(output, **params) == end


CONFIG = SchedulerConfig(
    num_blocks=10,
    block_size=16,
    max_num_seqs=4,
    max_num_batched_tokens=64,
    max_model_len=100,
    max_queued_requests=2,
    max_queued_tokens=150,
)


def refusal(num_prompt: int, queue: WaitingQueue, **fields: Any) -> Any:
    found = examine(Sequence(1, [1] * num_prompt, PARAMS, **fields), CONFIG, queue)
    return found and (found.code, found.bound)


def test_only_what_can_be_served_enters() -> None:
    queue = WaitingQueue()
    assert refusal(99, queue) is None
    assert refusal(100, queue) == (RefusalCode.TOO_LONG, "")
    assert refusal(0, queue) == (RefusalCode.MALFORMED, "")
    assert refusal(99, queue, emitted=[1]) is None
    assert refusal(98, queue, emitted=[1, 1, 1]) == (RefusalCode.TOO_LONG, "")
    queue.push(Sequence(1, [1] * 90, PARAMS))
    assert refusal(60, queue) is None
    assert refusal(61, queue) == (RefusalCode.OVERLOADED, "max_num_queued_tokens")
    (other,) = ranked((0, 9))
    queue.push(other)
    assert refusal(1, queue) == (RefusalCode.OVERLOADED, "max_num_queued_reqs")
    assert refusal(1, queue, emitted=[7]) is None, "it was let in once already"
    assert refusal(1, queue, num_crashes=1) is None, "it was let in once already"


def test_no_request_says_of_itself_that_the_bounds_are_not_for_it() -> None:
    """All that another engine had queued and running may come back beside a full queue; no more."""
    queue, room = WaitingQueue(), 2 * CONFIG.max_queued_requests + CONFIG.max_num_seqs
    for sequence in ranked(*((0, arrival) for arrival in range(room))):
        assert refusal(1, queue, emitted=[7]) is None
        queue.push(sequence)
    assert refusal(1, queue, emitted=[7]) == (RefusalCode.OVERLOADED, "max_num_queued_reqs")
    assert refusal(1, queue, num_crashes=1) == (RefusalCode.OVERLOADED, "max_num_queued_reqs")
    queue = WaitingQueue()
    (whale,) = ranked((0, 1))
    whale.tokens.extend([1] * (2 * CONFIG.max_queued_tokens + 4 * CONFIG.max_model_len))
    queue.push(whale)
    assert refusal(1, queue, num_crashes=1) == (RefusalCode.OVERLOADED, "max_num_queued_tokens")
