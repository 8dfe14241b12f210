"""Norms, gates and rope in Triton against the oracle, over random shapes."""

import pytest
import torch
from support.kernel_cases import Draw, close

from penstock.kernels import reference
from penstock.kernels.reference.kv_codes import FP8

pytestmark = pytest.mark.gpu
WIDTHS = (8, 31, 64, 96, 128, 1000, 1536, 4096)


@pytest.fixture(params=range(4))
def draw(request, device):
    return Draw(request.param, device)


@pytest.fixture(scope="module")
def ops(device):
    from penstock.kernels import triton

    return triton


def test_rms_norm(ops, draw, dtype):
    size = draw.some.choice(WIDTHS)
    x_TD = draw.normal(draw.some.randint(1, 40), size, dtype=dtype) * 30
    weight_D = draw.normal(size, dtype=dtype)
    close(ops.rms_norm(x_TD, weight_D, 1e-5), reference.rms_norm(x_TD, weight_D, 1e-5))


def test_rms_norm_of_heads_within_a_fused_qkv(ops, draw, dtype):
    head_dim = draw.some.choice((16, 64, 80, 128))
    qkv_TND = draw.normal(draw.some.randint(1, 9), 12, head_dim, dtype=dtype)
    weight_D = draw.normal(head_dim, dtype=dtype)
    k_TGD = qkv_TND[:, 7:9]
    normed_TGD = ops.rms_norm(k_TGD, weight_D, 1e-6)
    assert normed_TGD.is_contiguous()
    close(normed_TGD, reference.rms_norm(k_TGD, weight_D, 1e-6))


def test_add_rms_norm(ops, draw, dtype):
    size = draw.some.choice(WIDTHS)
    x_TD, residual_TD = (draw.normal(draw.some.randint(1, 9), size, dtype=dtype) for _ in range(2))
    x_TD, weight_D = x_TD[: len(residual_TD)], draw.normal(size, dtype=dtype)
    residual_TD = residual_TD[: len(x_TD)]
    normed_TD, sum_TD = ops.add_rms_norm(x_TD, residual_TD, weight_D, 1e-6)
    expected_TD, expected_sum_TD = reference.add_rms_norm(x_TD, residual_TD, weight_D, 1e-6)
    assert torch.equal(sum_TD, expected_sum_TD)
    close(normed_TD, expected_TD)


def test_a_row_is_normed_alike_in_any_company(ops, draw, dtype):
    x_TD, weight_D = draw.normal(17, 100, dtype=dtype), draw.normal(100, dtype=dtype)
    together_TD = ops.rms_norm(x_TD, weight_D, 1e-6)
    for token in (0, 3, 16):
        alone_TD = ops.rms_norm(x_TD[token : token + 1], weight_D, 1e-6)
        assert torch.equal(alone_TD[0], together_TD[token])


def test_silu_mul(ops, draw, dtype):
    gate_up_T2F = (
        draw.normal(draw.some.randint(1, 20), 2 * draw.some.choice(WIDTHS), dtype=dtype) * 4
    )
    close(ops.silu_mul(gate_up_T2F), reference.silu_mul(gate_up_T2F))


def rope_case(draw, dtype, cache_dtype):
    num_heads, num_kv_heads = draw.some.choice(((1, 1), (6, 2), (28, 4), (32, 32)))
    head_dim = draw.some.choice((16, 40, 64, 128))
    half = draw.some.choice((head_dim // 2, head_dim // 8))
    num_tokens = draw.some.randint(1, 12)
    qkv_TND = draw.normal(num_tokens, num_heads + 2 * num_kv_heads, head_dim, dtype=dtype)
    qk_TND, v_TGD = qkv_TND.split((num_heads + num_kv_heads, num_kv_heads), dim=1)
    slots_T = draw.permutation(30)[:num_tokens]
    slots_T[draw.some.randrange(num_tokens)] = -1  # a padding token
    shape = (30, num_kv_heads, head_dim)
    caches = [torch.zeros(shape, device=draw.device).to(cache_dtype) for _ in range(4)]
    return (qk_TND, v_TGD, *draw.angles(num_tokens, half, dtype=dtype)), slots_T, caches


def test_rope_store_kv(ops, draw, dtype):
    inputs, slots_T, (k, v, expected_k, expected_v) = rope_case(draw, dtype, dtype)
    q_THD = ops.rope_store_kv(*inputs, k, v, slots_T)
    assert q_THD.is_contiguous()
    close(q_THD, reference.rope_store_kv(*inputs, expected_k, expected_v, slots_T))
    close(k, expected_k)
    assert torch.equal(v, expected_v)


def test_rope_store_kv_in_fp8(ops, draw, dtype):
    inputs, slots_T, (k, v, expected_k, expected_v) = rope_case(draw, dtype, FP8)
    scales = {"k_scale": 0.25, "v_scale": 2.0**-8}  # values beyond 448 * 2^-8 are cut off
    ops.rope_store_kv(*inputs, k, v, slots_T, **scales)
    reference.rope_store_kv(*inputs, expected_k, expected_v, slots_T, **scales)
    assert torch.equal(v.view(torch.uint8), expected_v.view(torch.uint8))
    # Rounding first to the dtype, here and there, may fall on either side of a border.
    close(k.float(), expected_k.float(), rtol=0.13, atol=0.01)


def test_embedding(ops, draw, dtype):
    table_VD = draw.normal(20, 24, dtype=dtype)
    ids_T = draw.permutation(20)[:7]
    assert torch.equal(ops.embedding(ids_T, table_VD), table_VD[ids_T])
