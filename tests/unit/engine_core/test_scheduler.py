"""The scheduler's promises one at a time; the simulation in tests/invariants holds them all at once."""

from support.paper_model import whole_output
from support.scheduler_bench import BASE, Bench, rows

from penstock.engine_core.prompt_scores import skip
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import Delta, FinishReason, TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack, unpack


def test_a_long_prompt_shares_the_budget_with_running_sequences() -> None:
    bench = Bench()
    bench.add([1, 2], max_tokens=30)
    bench.step()
    bench.add([3] * 40)
    seen = [rows(bench.plan()[0]) for _ in range(1)]
    assert seen == [[(1, 1), (2, 15)]]


def test_without_chunking_a_prompt_waits_for_a_whole_step() -> None:
    bench = Bench(chunked_prefill=False, max_model_len=16)
    bench.add([1] * 10)
    bench.add([2] * 10)
    step, result = bench.plan()
    assert rows(step) == [(1, 10)]
    bench.scheduler.update(step, result)
    assert rows(bench.plan()[0]) == [(1, 1), (2, 10)]


def test_the_second_plan_counts_on_tokens_not_yet_known_and_stops_at_the_last() -> None:
    bench = Bench()
    sequence = bench.add([1, 2, 3], max_tokens=2)
    first, second = bench.plan(), bench.plan()
    assert (rows(first[0]), rows(second[0])) == ([(1, 3)], [(1, 1)])
    assert sequence.num_pending == 2
    assert bench.scheduler.schedule() is None, "the pending ones bring it to max_tokens"
    outputs = bench.scheduler.update(*first) + bench.scheduler.update(*second)
    assert [delta.finish for _, delta in outputs] == [None, FinishReason.LENGTH]


def test_a_row_planned_past_the_end_is_dropped_when_it_arrives() -> None:
    expected = whole_output([1, 2, 3], SamplingParams(max_tokens=9), 60)[0]
    bench = Bench()
    stop = SamplingParams(max_tokens=9, stop_token_ids=(expected[0],))
    sequence = bench.add([1, 2, 3], params=stop)
    first, second = bench.plan(), bench.plan()
    ((_, delta),) = bench.scheduler.update(*first)
    assert (delta.finish, delta.stop_token) == (FinishReason.STOP, expected[0])
    successor = bench.add([4, 5, 6])
    third = bench.plan()
    assert unpack(third[0].plan.frees) == [0]
    assert successor.slot == 0, "a freed slot serves in the very plan that frees it"
    assert bench.scheduler.update(*second) == []
    assert len(sequence.tokens) == 4


def test_the_last_admitted_is_preempted_keeps_its_tokens_and_comes_back_first() -> None:
    bench = Bench(num_blocks=8, max_model_len=32)
    first = bench.add([1] * 11, max_tokens=20)
    second = bench.add([2] * 11, max_tokens=20)
    late = bench.add([3] * 11, max_tokens=2)
    seen: dict[int, list[int]] = {}
    while not bench.scheduler.num_preemptions:
        for sequence, delta in bench.step():
            seen.setdefault(sequence.id, []).extend(unpack(delta.token_ids))
    assert bench.scheduler.running == [first]
    assert second.num_output == len(seen[2])
    assert bench.scheduler.waiting.peek() is second
    for request_id, tokens in bench.finish().items():
        seen.setdefault(request_id, []).extend(tokens)
    for sequence in (first, second, late):
        prompt = sequence.tokens[: sequence.num_prompt].tolist()
        assert seen[sequence.id] == whole_output(prompt, sequence.params, 32)[0]


def test_priority_decides_who_runs_and_who_is_preempted() -> None:
    bench = Bench(by_priority=True, max_num_seqs=1)
    bench.add([1], priority=5)
    urgent = bench.add([2], priority=-1)
    assert rows(bench.plan()[0]) == [(urgent.id, 1)]


def test_equal_prompts_that_arrive_together_are_computed_once() -> None:
    bench = Bench(max_num_batched_tokens=64)
    for _ in range(4):
        bench.add([7] * 18)
    step, result = bench.plan()
    assert rows(step) == [(1, 18)], "the others wait one step for what this one computes"
    bench.scheduler.update(step, result)
    assert rows(bench.plan()[0]) == [(1, 1), (2, 2), (3, 2), (4, 2)]


def test_scoring_a_prompt_emits_its_scores_and_no_token() -> None:
    bench = Bench()
    bench.add([1] * 20, params=SamplingParams(max_tokens=0, prompt_logprobs=0))
    (first,) = bench.step()
    (last,) = bench.step()
    scored = [unpack(delta.prompt_logprobs.ids)[1::2] for _, delta in (first, last)]  # type: ignore[union-attr]
    assert scored == [list(range(1, 17)), list(range(17, 20))]
    assert last[1].finish is FinishReason.LENGTH
    assert last[1].token_ids == b""


def test_a_continued_stream_starts_where_it_was_left() -> None:
    expected = whole_output([1, 2, 3], SamplingParams(max_tokens=8), 60)[0]
    bench = Bench()
    bench.add([1, 2, 3], max_tokens=8, emitted=expected[:3])
    ((_, delta),) = bench.step()
    assert (delta.offset, unpack(delta.token_ids)) == (3, expected[3:4])
    assert bench.finish()[1] == expected[4:]


def test_a_continued_stream_that_was_complete_ends_at_once() -> None:
    scheduler = Scheduler(BASE)
    done = Sequence(4, [1, 2], SamplingParams(max_tokens=2), emitted=[5, 6])
    assert scheduler.add(done) == (done, Delta(4, 2, b"", FinishReason.LENGTH))
    assert not scheduler.waiting


def test_an_abort_frees_everything_at_once_and_may_come_twice() -> None:
    bench = Bench()
    sequence = bench.add([1] * 9, max_tokens=20)
    bench.step()
    in_flight = bench.plan()
    bench.scheduler.drop(sequence)
    bench.scheduler.drop(sequence)
    bench.scheduler.check()
    assert bench.scheduler.cache.usage == 0.0
    assert bench.scheduler.update(*in_flight) == []


def test_new_workers_recompute_what_was_running() -> None:
    bench = Bench()
    sequence = bench.add([1] * 9, max_tokens=6)
    tokens = [t for _ in range(3) for _, delta in bench.step() for t in unpack(delta.token_ids)]
    bench.plan()
    bench.scheduler.requeue_running()
    bench.scheduler.check()
    bench.new_worker()
    tokens += bench.finish()[1]
    assert tokens == whole_output([1] * 9, sequence.params, 60)[0]


def test_suspects_of_a_crash_run_one_at_a_time_beside_the_innocent() -> None:
    bench = Bench()
    bench.add([1], max_tokens=30)
    for first in (2, 3):
        bench.add([first], max_tokens=30, num_crashes=2)
    seen = []
    for _ in range(3):
        step, result = bench.plan()
        seen.append(rows(step))
        bench.scheduler.update(step, result)
    assert seen[0] == seen[1] == [(1, 1), (2, 1)]
    assert seen[2] == [(1, 1), (2, 1), (3, 1)], "past the place of the crash: no suspect any more"


def test_skipping_scores_keeps_rows_whole() -> None:
    scores = TokenLogprobs(2, pack(range(6)), bytes(24), pack([1, 2, 3]))
    assert skip(scores, 0) == scores
    assert skip(scores, 2) == TokenLogprobs(2, pack([4, 5]), bytes(8), pack([3]))
    assert skip(scores, 3).ranks == b""
