"""The reference attention against a loop that looks at one query, one head and one key at a time."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.kernels.reference import paged_attention
from penstock.kernels.rows import Rows

BLOCK_SIZE = 4
HEAD_DIM = 8

edge_lens = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17])
rows_lens = st.lists(
    st.tuples(edge_lens, st.sampled_from([0, 1, 3, 4, 5, 8, 12, 13])), min_size=1, max_size=6
)


def obvious_attention(q_THD, k_cache_SGD, v_cache_SGD, tables, rows, scale, window):
    num_groups = q_THD.shape[1] // k_cache_SGD.shape[1]
    out_THD = torch.zeros_like(q_THD)
    token = 0
    for table, (query_len, context_len) in zip(tables, rows, strict=True):
        for position in range(context_len - query_len, context_len):
            start = 0 if window is None else max(0, position - window + 1)
            slots = [
                table[p // BLOCK_SIZE] * BLOCK_SIZE + p % BLOCK_SIZE
                for p in range(start, position + 1)
            ]
            for head in range(q_THD.shape[1]):
                keys, values = (c[slots, head // num_groups] for c in (k_cache_SGD, v_cache_SGD))
                weights = (keys @ q_THD[token, head] * scale).softmax(0)
                out_THD[token, head] = weights @ values
            token += 1
    return out_THD


def make_case(rows, num_heads, num_kv_heads, seed):
    random = torch.Generator().manual_seed(seed)
    num_blocks = [-(-context_len // BLOCK_SIZE) for _, context_len in rows]
    ids = torch.randperm(sum(num_blocks) + 3, generator=random)
    tables = [ids_r.tolist() for ids_r in ids[: sum(num_blocks)].split(num_blocks)]
    tables_RB = torch.zeros(len(rows), max(num_blocks), dtype=torch.int64)
    for row, table in enumerate(tables):
        tables_RB[row, : len(table)] = torch.tensor(table)
    shape = (len(ids) * BLOCK_SIZE, num_kv_heads, HEAD_DIM)
    caches = [torch.randn(shape, generator=random) for _ in range(2)]
    num_tokens = sum(query_len for query_len, _ in rows)
    q_THD = torch.randn(num_tokens, num_heads, HEAD_DIM, generator=random)
    return q_THD, *caches, tables_RB, tables


@settings(deadline=None, max_examples=60)
@given(
    lens=rows_lens,
    heads=st.sampled_from([(1, 1), (4, 4), (6, 2)]),
    window=st.sampled_from([None, 1, 3, 4, 6, 100]),
    seed=st.integers(0, 1000),
)
def test_equals_the_obvious_loop(lens, heads, window, seed):
    rows = [(query_len, query_len + cached) for query_len, cached in lens]
    q_THD, k_SGD, v_SGD, tables_RB, tables = make_case(rows, *heads, seed)
    out_THD = paged_attention(
        q_THD, k_SGD, v_SGD, Rows.of(*zip(*rows, strict=True), tables_RB),
        block_size=BLOCK_SIZE, scale=0.3, window=window,
    )  # fmt: skip
    expected_THD = obvious_attention(q_THD, k_SGD, v_SGD, tables, rows, 0.3, window)
    torch.testing.assert_close(out_THD, expected_THD, rtol=1e-4, atol=1e-5)


def test_nan_of_other_sequences_does_not_reach_a_row():
    rows = [(1, 5), (1, 7), (3, 6)]
    q_THD, k_SGD, v_SGD, tables_RB, tables = make_case(rows, 2, 1, seed=0)
    own = [
        table[p // BLOCK_SIZE] * BLOCK_SIZE + p % BLOCK_SIZE
        for table, (_, context_len) in zip(tables, rows, strict=True)
        for p in range(context_len)
    ]
    foreign = torch.ones(len(k_SGD), dtype=torch.bool)
    foreign[own] = False
    k_SGD[foreign] = v_SGD[foreign] = torch.nan
    of_rows = Rows.of(*zip(*rows, strict=True), tables_RB)
    out_THD = paged_attention(q_THD, k_SGD, v_SGD, of_rows, block_size=BLOCK_SIZE, scale=1.0)
    assert out_THD.isfinite().all()


@settings(deadline=None, max_examples=40)
@given(contexts=st.lists(st.integers(1, 300), min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_a_decoding_row_is_bit_equal_alone_and_in_company(contexts, seed):
    rows = [(1, context_len) for context_len in contexts]
    q_THD, k_cache_SGD, v_cache_SGD, tables_RB, _ = make_case(rows, 6, 2, seed)

    def attend(which):
        return paged_attention(
            q_THD[which],
            k_cache_SGD,
            v_cache_SGD,
            Rows.of([1] * len(which), [contexts[i] for i in which], tables_RB[which]),
            block_size=BLOCK_SIZE,
            scale=0.3,
        )

    together = attend(list(range(len(rows))))
    for row in range(len(rows)):
        assert torch.equal(attend([row])[0], together[row])


def test_a_cache_in_eight_bits_is_read_with_its_scales():
    rows = [(1, 5), (3, 6)]
    q_THD, k_SGD, v_SGD, tables_RB, _ = make_case(rows, 2, 1, seed=0)
    k_codes_SGD, v_codes_SGD = k_SGD.to(torch.float8_e4m3fn), v_SGD.to(torch.float8_e4m3fn)
    of_rows = Rows.of(*zip(*rows, strict=True), tables_RB)
    how = {"block_size": BLOCK_SIZE, "scale": 0.7}
    out_THD = paged_attention(
        q_THD, k_codes_SGD, v_codes_SGD, of_rows, k_scale=0.5, v_scale=3.0, **how
    )
    expected_THD = paged_attention(
        q_THD, k_codes_SGD.float() * 0.5, v_codes_SGD.float() * 3, of_rows, **how
    )
    torch.testing.assert_close(out_THD, expected_THD)


def test_a_row_without_a_context_is_zero():
    q_THD, k_SGD, v_SGD, tables_RB, _ = make_case([(1, 5), (1, 3)], 2, 1, seed=0)
    rows = Rows.of([1, 1], [0, 3], tables_RB)
    out_THD = paged_attention(q_THD, k_SGD, v_SGD, rows, block_size=BLOCK_SIZE, scale=1.0)
    assert not out_THD[0].any()
    assert out_THD[1].any()


@settings(deadline=None, max_examples=40)
@given(lens=rows_lens, window=st.sampled_from([None, 1, 3, 6]), seed=st.integers(0, 1000))
def test_batch_invariant_each_token_is_as_it_would_be_alone(lens, window, seed):
    rows = [(query_len, query_len + before) for query_len, before in lens]
    q_THD, k, v, tables_RB, _ = make_case(rows, 4, 2, seed)

    def attend(q_THD, rows, tables_RB, invariant=True):
        return paged_attention(
            q_THD, k, v, Rows.of(*zip(*rows, strict=True), tables_RB),
            block_size=BLOCK_SIZE, scale=0.3, window=window, batch_invariant=invariant,
        )  # fmt: skip

    together_THD = attend(q_THD, rows, tables_RB)
    torch.testing.assert_close(together_THD, attend(q_THD, rows, tables_RB, invariant=False))
    token = 0
    for row, (query_len, context_len) in enumerate(rows):
        for seen in range(context_len - query_len + 1, context_len + 1):
            alone_HD = attend(q_THD[token : token + 1], [(1, seen)], tables_RB[row : row + 1])[0]
            assert torch.equal(alone_HD, together_THD[token])
            token += 1
