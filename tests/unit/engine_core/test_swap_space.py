"""What becomes of preempted sequences with host memory to swap to; the paper worker checks all that is read."""

from typing import Any

import pytest
from support.paper_model import whole_output
from support.paper_worker import pairs
from support.scheduler_bench import Bench

from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.messages import FinishReason
from penstock.protocol.sampling import SamplingParams


def tight(**changes: Any) -> Bench:
    """Eight blocks of four tokens: the second of two sequences does not fit beside the first for long."""
    options = {"num_blocks": 8, "max_model_len": 32, "num_host_blocks": 8, "prefix_caching": False}
    return Bench(**{**options, **changes})


def preempted(bench: Bench) -> tuple[Sequence, Sequence]:
    """The one that runs on, and the other."""
    first = bench.add([1] * 11, max_tokens=20)
    second = bench.add([2] * 11, max_tokens=20)
    while not bench.scheduler.num_preemptions:
        bench.step()
    assert second.state is State.WAITING
    return first, second


def test_a_preempted_sequence_goes_on_where_it_was() -> None:
    bench = tight()
    first, second = preempted(bench)
    num_computed = second.num_kept
    assert num_computed == second.num_forgotten > 12
    bench.finish()
    cache = bench.scheduler.cache
    assert (cache.num_recomputed_tokens, cache.swap.num_restored_tokens) == (0, num_computed)
    assert cache.swap.num_copied_out == cache.swap.num_copied_in > 0
    for sequence in (first, second):
        prompt = sequence.tokens[: sequence.num_prompt].tolist()
        output = sequence.tokens[sequence.num_prompt :].tolist()
        assert output == whole_output(prompt, sequence.params, 32)[0]


def test_without_swap_space_all_of_it_is_computed_again() -> None:
    bench = tight(num_host_blocks=0)
    _, second = preempted(bench)
    num_computed = second.num_forgotten
    assert (second.num_kept, num_computed > 12) == (0, True)
    bench.finish()
    cache = bench.scheduler.cache
    assert cache.num_recomputed_tokens == num_computed
    assert cache.swap.num_copied_out == cache.swap.num_copied_in == 0


def test_only_what_is_overwritten_is_copied() -> None:
    bench = tight()
    first, second = preempted(bench)
    bench.scheduler.drop(first)
    step, result = bench.plan()
    assert len(pairs(step.plan.swaps_in)) == 1, "the block that the first one took"
    assert bench.scheduler.cache.swap.num_copied_out == 1
    assert step.plan.starts[0].num_computed == len(second.tokens) - 1
    bench.scheduler.update(step, result)
    bench.finish()
    assert bench.scheduler.cache.num_recomputed_tokens == 0


def test_what_the_prefix_cache_has_is_not_copied_back() -> None:
    bench = tight(prefix_caching=True)
    first, second = preempted(bench)
    found = bench.scheduler.cache.find(second)
    assert [len(found.matched), len(found.kept)] == [3, 1]
    bench.scheduler.drop(first)
    bench.step()
    cache = bench.scheduler.cache
    assert (cache.swap.num_copied_in, cache.swap.num_restored_tokens) == (1, 3)
    assert cache.num_recomputed_tokens == 0


@pytest.mark.parametrize("num_host_blocks", [1, 2, 3])
def test_where_it_does_not_fit_its_beginning_is_kept_and_the_rest_recomputed(
    num_host_blocks: int,
) -> None:
    bench = tight(num_host_blocks=num_host_blocks)
    _, second = preempted(bench)
    swap, num_kept = bench.scheduler.cache.swap, num_host_blocks * 4
    num_lost = second.num_forgotten - num_kept
    assert (second.num_kept, swap.num_free, swap.usage) == (num_kept, 0, 1.0)
    bench.finish()
    assert swap.num_restored_tokens == num_kept
    assert bench.scheduler.cache.num_recomputed_tokens == num_lost
    assert swap.num_free == num_host_blocks


def test_what_preempted_sequences_share_takes_one_host_block() -> None:
    bench = tight(num_blocks=10, max_model_len=40, prefix_caching=True, num_host_blocks=20)
    shared = list(range(8))
    for _ in range(3):
        bench.add([*shared, 9], max_tokens=20)
        bench.step()
    while len(bench.scheduler.waiting) < 2:
        bench.step()
    second, third = sorted(bench.scheduler.waiting, key=lambda s: s.id)
    assert second.kept[:2] == third.kept[:2]
    swap = bench.scheduler.cache.swap
    num_taken = swap.num_blocks - swap.num_free
    assert num_taken == len(second.kept) + len(third.kept) - 2
    bench.finish()
    assert bench.scheduler.cache.num_recomputed_tokens == 0


def test_who_leaves_while_it_waits_gives_its_host_blocks_back() -> None:
    bench = tight()
    first, second = preempted(bench)
    bench.scheduler.drop(second)
    bench.scheduler.drop(second)
    bench.scheduler.check()
    swap = bench.scheduler.cache.swap
    assert (swap.num_free, swap.num_sequences, second.kept) == (8, 0, [])
    bench.finish()
    assert len(first.tokens) == 31
    assert swap.num_copied_in == 0


def test_a_token_on_its_way_may_end_a_sequence_that_is_swapped_out() -> None:
    expected = whole_output([2] * 11, SamplingParams(max_tokens=20), 32)[0]
    bench = tight()
    bench.add([1] * 11, max_tokens=20)
    second = bench.add([2] * 11, max_tokens=20)
    in_flight = [bench.plan()]
    while not bench.scheduler.num_preemptions:
        in_flight.append(bench.plan())
        if bench.scheduler.num_preemptions:
            break
        bench.scheduler.update(*in_flight.pop(0))
    assert second.num_pending == 1
    second.params = SamplingParams(max_tokens=20, stop_token_ids=(expected[second.num_output],))
    outputs = [o for step in in_flight for o in bench.scheduler.update(*step) if o[0] is second]
    assert [delta.finish for _, delta in outputs] == [FinishReason.STOP]
    bench.scheduler.check()
    assert bench.scheduler.cache.swap.num_free == 8


def test_new_workers_know_nothing_of_what_was_swapped() -> None:
    bench = tight()
    _, second = preempted(bench)
    bench.scheduler.requeue_running()
    bench.scheduler.check()
    bench.new_worker()
    assert (second.kept, second.num_kept) == ([], 0)
    assert bench.scheduler.cache.swap.num_free == 8
    num_computed = second.num_forgotten
    bench.finish()
    assert bench.scheduler.cache.num_recomputed_tokens >= num_computed


def test_dropped_prefixes_are_found_by_nobody_but_who_computed_them() -> None:
    bench = tight(prefix_caching=True)
    first, second = preempted(bench)
    bench.scheduler.cache.drop_prefixes()
    bench.scheduler.drop(first)
    bench.step()
    assert second.num_computed == len(second.tokens) - 1
    assert bench.scheduler.cache.num_recomputed_tokens == 0
    twin = Sequence(9, second.tokens, SamplingParams(max_tokens=1))
    assert bench.scheduler.cache.find(twin).num_tokens == 0
