"""Paged attention in Triton against the oracle, and against itself in other company, bit by bit."""

import pytest
import torch
from support.kernel_cases import Draw, close, paged

from penstock.kernels import reference
from penstock.kernels.reference.kv_codes import FP8

pytestmark = pytest.mark.gpu
SCALE = 0.2


@pytest.fixture(scope="module")
def attention(device):
    from penstock.kernels.triton import paged_attention

    def attend(case, **how):
        return paged_attention(
            case.q_THD, case.k_cache_SGD, case.v_cache_SGD, case.rows,
            block_size=case.block_size, scale=SCALE, **how,
        )  # fmt: skip

    return attend


def expected(case, **how):
    return reference.paged_attention(
        case.q_THD, case.k_cache_SGD, case.v_cache_SGD, case.rows,
        block_size=case.block_size, scale=SCALE, **how,
    )  # fmt: skip


def random_case(draw, dtype, cache_dtype=None, most=150):
    def row():
        query_len = draw.some.choice((1, 1, 1, 2, 17, draw.some.randint(1, most // 2)))
        return query_len, query_len + draw.some.choice((0, 1, 15, 16, draw.some.randint(0, most)))

    return paged(
        draw,
        [row() for _ in range(draw.some.randint(1, 4))],
        heads=draw.some.choice(((1, 1), (4, 4), (7, 1), (6, 2), (8, 1), (10, 2))),
        head_dim=draw.some.choice((16, 40, 64, 128)),
        block_size=draw.some.choice((8, 16, 32)),
        dtype=dtype,
        cache_dtype=cache_dtype,
    )


@pytest.mark.parametrize("invariant", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_equals_the_oracle(attention, device, dtype, seed, invariant):
    draw = Draw(seed, device)
    case, window = random_case(draw, dtype), draw.some.choice((None, None, 1, 7, 40, 1000))
    found = attention(case, window=window, batch_invariant=invariant)
    close(found, expected(case, window=window))


@pytest.mark.parametrize("seed", range(3))
def test_reads_a_cache_in_fp8(attention, device, dtype, seed):
    case = random_case(Draw(100 + seed, device), dtype, FP8)
    scales = {"k_scale": 0.5, "v_scale": 1.75}
    close(attention(case, **scales), expected(case, **scales))


@pytest.mark.parametrize("invariant", [False, True])
def test_rows_without_a_context_are_zero(attention, device, invariant):
    lens = [(1, 0), (1, 20), (1, 0)]
    case = paged(
        Draw(0, device), lens, heads=(4, 2), head_dim=32, block_size=16, dtype=torch.float16
    )
    out_THD = attention(case, batch_invariant=invariant)
    assert (out_THD[[0, 2]] == 0).all()
    close(out_THD, expected(case))


def test_a_long_context_is_split_and_combined(attention, device):
    lens = [(1, 900), (1, 64), (1, 65), (1, 513)]
    case = paged(
        Draw(1, device), lens, heads=(2, 1), head_dim=16, block_size=16, dtype=torch.float32
    )
    close(attention(case), expected(case))
    close(attention(case, window=300), expected(case, window=300))


def test_invariant_bits_do_not_depend_on_company_or_chunks(attention, device, dtype):
    lens = [(30, 70), (1, 33), (1, 140), (5, 5)]
    case = paged(Draw(2, device), lens, heads=(6, 2), head_dim=32, block_size=16, dtype=dtype)
    together = attention(case, batch_invariant=True).split([query_len for query_len, _ in lens])
    for row, (query_len, _) in enumerate(lens):
        alone = attention(case.only(row), batch_invariant=True)
        assert torch.equal(alone, together[row])
        for last in {1, 3, 20} & set(range(1, query_len)):
            chunk = attention(case.only(row, last), batch_invariant=True)
            assert torch.equal(chunk, together[row][-last:]), last


def test_the_same_rows_give_the_same_bits_again(attention, device, dtype):
    case = random_case(Draw(3, device), dtype)
    assert torch.equal(attention(case), attention(case))


def test_slots_beyond_two_to_the_31_elements(attention, cuda):
    """A cache of 4.3 GB each for keys and values, of which the last pages are used."""
    num_slots, heads, head_dim = (1 << 31) // 1024 + 64, 8, 128
    if torch.cuda.mem_get_info()[0] < 3 * num_slots * heads * head_dim * 2:
        pytest.skip("not enough memory")
    case = paged(
        Draw(4, cuda), [(1, 60), (20, 60)], heads=(32, heads), head_dim=head_dim,
        block_size=16, dtype=torch.float16,
    )  # fmt: skip
    shape = (num_slots, heads, head_dim)
    far = case.moved_to([torch.zeros(shape, dtype=torch.float16, device=cuda) for _ in "kv"])
    close(attention(far), expected(far))
