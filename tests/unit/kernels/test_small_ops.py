"""The reference ops against their formulas, written out."""

import pytest
import torch
import torch.nn.functional as F

from penstock.kernels import reference as ops


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_rms_norm_sums_in_float32_and_rounds_before_the_weight(random, dtype):
    x_TD = (torch.randn(5, 64, generator=random) * 30).to(dtype)
    weight_D = torch.randn(64, generator=random).to(dtype)
    wide_TD = x_TD.float()
    expected_TD = wide_TD / (wide_TD.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(ops.rms_norm(x_TD, weight_D, 1e-5), expected_TD.to(dtype) * weight_D)


def test_add_rms_norm_is_both_in_turn(random):
    x_TD, residual_TD, weight_1D = torch.randn(3, 4, 16, generator=random).bfloat16()
    normed_TD, sum_TD = ops.add_rms_norm(x_TD, residual_TD, weight_1D[0], 1e-6)
    assert torch.equal(sum_TD, x_TD + residual_TD)
    assert torch.equal(normed_TD, ops.rms_norm(sum_TD, weight_1D[0], 1e-6))


def test_rope_turns_pairs_and_lets_the_rest_pass(random):
    x_TND = torch.randn(6, 3, 10, generator=random)
    angles_TE = torch.rand(6, 4, generator=random) * 7
    out_TND = ops.rope(x_TND, angles_TE.cos(), angles_TE.sin())
    pairs_TNE = torch.complex(x_TND[..., :4], x_TND[..., 4:8])
    turned_TNE = pairs_TNE * torch.polar(torch.ones(6, 1, 4), angles_TE[:, None])
    torch.testing.assert_close(out_TND[..., :4], turned_TNE.real)
    torch.testing.assert_close(out_TND[..., 4:8], turned_TNE.imag)
    assert torch.equal(out_TND[..., 8:], x_TND[..., 8:])


def test_store_kv_writes_the_slots_and_no_others(random):
    k_TGD, v_TGD = torch.randn(2, 3, 2, 4, generator=random)
    k_SGD, v_SGD = torch.zeros(2, 8, 2, 4)
    ops.store_kv(k_TGD, v_TGD, k_SGD, v_SGD, torch.tensor([6, 1, 3]))
    assert torch.equal(k_SGD[[6, 1, 3]], k_TGD)
    assert torch.equal(v_SGD[[6, 1, 3]], v_TGD)
    assert not k_SGD[[0, 2, 4, 5, 7]].any()


def test_a_negative_slot_is_not_written(random):
    k_TGD, v_TGD = torch.randn(2, 3, 2, 4, generator=random)
    k_SGD, v_SGD = torch.zeros(2, 8, 2, 4)
    ops.store_kv(k_TGD, v_TGD, k_SGD, v_SGD, torch.tensor([6, -1, 3]))
    assert torch.equal(v_SGD[[6, 3]], v_TGD[[0, 2]])
    assert not k_SGD[[0, 1, 2, 4, 5, 7]].any()


def test_store_kv_in_eight_bits_divides_by_the_scale_and_cuts_off(random):
    k_TGD = torch.tensor([1.0, -3.3, 2000.0, 0.0]).view(2, 1, 2)
    k_SGD, v_SGD = torch.zeros(2, 2, 1, 2).to(torch.float8_e4m3fn)
    ops.store_kv(k_TGD, k_TGD, k_SGD, v_SGD, torch.tensor([0, 1]), k_scale=2.0, v_scale=0.5)
    assert k_SGD.float().flatten().tolist() == [0.5, -1.625, 448.0, 0.0]
    assert v_SGD.float().flatten().tolist() == [2.0, -6.5, 448.0, 0.0]


def test_rope_store_kv_is_both_in_turn(random):
    qk_TND, v_TGD = torch.randn(3, 6, 8, generator=random), torch.randn(3, 2, 8, generator=random)
    angles_TE = torch.rand(3, 4, generator=random) * 7
    k_SGD, v_SGD = torch.zeros(2, 5, 2, 8)
    slots_T = torch.tensor([4, 0, 1])
    q_THD = ops.rope_store_kv(
        qk_TND, v_TGD, angles_TE.cos(), angles_TE.sin(), k_SGD, v_SGD, slots_T
    )
    turned_TND = ops.rope(qk_TND, angles_TE.cos(), angles_TE.sin())
    assert torch.equal(q_THD, turned_TND[:, :4])
    assert torch.equal(k_SGD[slots_T], turned_TND[:, 4:])
    assert torch.equal(v_SGD[slots_T], v_TGD)


def test_silu_mul(random):
    gate_TF, up_TF = torch.randn(2, 3, 8, generator=random)
    out_TF = ops.silu_mul(torch.cat((gate_TF, up_TF), dim=-1))
    torch.testing.assert_close(out_TF, gate_TF * gate_TF.sigmoid() * up_TF)


def test_embedding_and_linear(random):
    table_VD = torch.randn(7, 4, generator=random)
    x_TD = ops.embedding(torch.tensor([3, 0, 3]), table_VD)
    assert torch.equal(x_TD, table_VD[[3, 0, 3]])
    bias_V = torch.randn(7, generator=random)
    torch.testing.assert_close(ops.linear(x_TD, table_VD, bias_V), x_TD @ table_VD.T + bias_V)
    torch.testing.assert_close(ops.linear(x_TD, table_VD), F.linear(x_TD, table_VD))


def test_arguments_that_do_not_fit_are_ours_to_blame(random):
    x_TD = torch.randn(2, 4, generator=random)
    with pytest.raises(AssertionError):
        ops.rms_norm(x_TD, torch.ones(5), 1e-6)
    with pytest.raises(AssertionError):
        ops.linear(x_TD, torch.ones(3, 5))
    with pytest.raises(AssertionError):
        ops.silu_mul(torch.ones(2, 5))
    with pytest.raises(AssertionError):
        ops.embedding(torch.tensor([1], dtype=torch.int32), x_TD)
