"""Blocks, the free list and the prefix cache, against lists and whole prefixes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine_core.blocks import Block, FreeList
from penstock.engine_core.kv_cache import Found, KVCache, root_digest
from penstock.engine_core.sequence import Sequence
from penstock.protocol.sampling import SamplingParams

PARAMS = SamplingParams(max_tokens=10)
SIZE = 4
NOTHING = Found([], [], 0)


def sequence(tokens: list[int], salt: str = "", **params: Any) -> Sequence:
    return Sequence(1, tokens, SamplingParams(max_tokens=10, **params), salt=salt)


def begin(cache: KVCache, tokens: list[int], salt: str = "") -> Sequence:
    """Admits, computes and commits it whole."""
    one = sequence(tokens, salt)
    cache.take(one, cache.find(one))
    assert cache.allocate(one, len(tokens)) is not None
    one.num_computed = len(tokens)
    cache.commit(one)
    return one


def ids(blocks: list[Block]) -> list[int]:
    return [block.id for block in blocks]


@given(st.lists(st.tuples(st.sampled_from("afpr"), st.integers(0, 9)), max_size=80))
def test_the_free_list_is_a_list_whose_middle_can_leave(steps: list[tuple[str, int]]) -> None:
    blocks = [Block(i) for i in range(10)]
    free, gold = FreeList(), list[Block]()
    for step, i in steps:
        block = blocks[i]
        if step == "a" and block not in gold:
            free.append(block)
            gold.append(block)
        elif step == "f" and block not in gold:
            free.prepend(block)
            gold.insert(0, block)
        elif step == "r" and block in gold:
            free.remove(block)
            gold.remove(block)
        elif step == "p" and gold:
            assert free.oldest is gold[0]
        assert list(free) == gold
        assert len(free) == len(gold)


def test_a_second_request_shares_full_blocks_but_computes_its_last_token() -> None:
    cache = KVCache(8, SIZE, prefix_caching=True)
    first = begin(cache, list(range(8)))
    same, longer = sequence(list(range(8))), sequence(list(range(9)))
    assert ids(cache.match(same)) == ids(first.blocks[:1])
    assert ids(cache.match(longer)) == ids(first.blocks)
    cache.take(longer, cache.find(longer))
    assert [block.num_refs for block in first.blocks] == [2, 2]
    cache.check([first, longer])


def test_nothing_is_shared_across_salts_nor_with_a_prompt_to_score() -> None:
    cache = KVCache(8, SIZE, prefix_caching=True)
    begin(cache, list(range(9)), salt="a")
    assert cache.match(sequence(list(range(9)), "a"))
    assert not cache.match(sequence(list(range(9)), "b"))
    assert not cache.match(sequence(list(range(9)), "a", prompt_logprobs=1))
    assert root_digest("a", "") != root_digest("", "a")


def test_a_block_is_named_only_when_its_tokens_are_known_and_computed() -> None:
    cache = KVCache(8, SIZE, prefix_caching=True)
    one = sequence([1, 2, 3])
    cache.allocate(one, SIZE)
    one.num_computed, one.num_pending = SIZE, 1
    cache.commit(one)
    assert not cache.match(sequence([1, 2, 3, 4, 5]))
    one.tokens.append(4)
    cache.commit(one)
    assert ids(cache.match(sequence([1, 2, 3, 4, 5]))) == ids(one.blocks)


def test_prefixes_are_evicted_after_tails_and_used_ones_after_idle_ones() -> None:
    cache = KVCache(4, SIZE, prefix_caching=True)
    cache.free(begin(cache, list(range(12))))
    cache.free(begin(cache, [50] * 4))
    taken = sequence([60] * 4)
    cache.allocate(taken, 4)
    longer = sequence(list(range(12)))
    assert len(cache.match(longer)) == 2, "the tail went first"
    cache.take(longer, cache.find(longer))
    assert cache.allocate(longer, 12) is not None
    assert not cache.match(sequence([50] * 5)), "the idle one went, not the shared ones"
    cache.check([taken, longer])


def test_a_tail_that_nobody_could_find_again_costs_no_prefix() -> None:
    cache = KVCache(4, SIZE, prefix_caching=True)
    cache.free(begin(cache, list(range(9))))
    cache.free(begin(cache, [50] * 3))
    for _ in range(5):
        cache.free(begin(cache, [60] * 3))
    assert len(cache.match(sequence(list(range(9))))) == 2


def test_what_is_not_free_is_not_given_and_nothing_is_taken() -> None:
    cache = KVCache(3, SIZE, prefix_caching=True)
    one, two = sequence([1] * 5), sequence([2] * 9)
    assert cache.allocate(one, 5) == [0, 1]
    assert cache.allocate(two, 9) is None
    assert (two.blocks, cache.num_free) == ([], 1)
    assert not cache.can_take(NOTHING, 9)
    cache.free(one)
    assert cache.can_take(NOTHING, 9)
    assert cache.usage == 0.0


def test_a_revived_block_is_no_longer_free_to_take() -> None:
    cache = KVCache(3, SIZE, prefix_caching=True)
    cache.free(begin(cache, list(range(8))))
    found = cache.find(sequence([*range(8), 9]))
    assert len(found.matched) == 2
    assert cache.can_take(found, 12)
    assert not cache.can_take(found, 13)


def test_forgetting_prefixes_leaves_running_sequences_alone() -> None:
    cache = KVCache(8, SIZE, prefix_caching=True)
    one = begin(cache, list(range(9)))
    cache.drop_prefixes()
    assert not cache.match(sequence(list(range(9))))
    cache.free(one)
    cache.check([])


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 1), min_size=1, max_size=14), st.booleans()), max_size=25
    )
)
def test_a_match_is_the_longest_prefix_ever_named_and_still_held(
    requests: list[tuple[list[int], bool]],
) -> None:
    """With blocks to spare nothing is evicted, so that every full prefix seen is found."""
    cache, living = KVCache(200, SIZE, prefix_caching=True), []
    seen: set[tuple[int, ...]] = set()
    for tokens, stays in requests:
        one = sequence(tokens)
        full = [tuple(tokens[:end]) for end in range(SIZE, len(tokens) + 1, SIZE)]
        expected = sum(1 for prefix in full if prefix in seen and len(prefix) < len(tokens))
        assert len(cache.match(one)) == expected
        one = begin(cache, tokens)
        seen.update(full)
        if stays:
            living.append(one)
        else:
            cache.free(one)
        cache.check(living)
