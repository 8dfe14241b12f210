"""Experts against one token at a time, and a router against its definition."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.kernels.reference import fused_experts, linear, route, silu_mul


def one_by_one(x_TD, gate_up_EJD, down_EDI, weights_TK, experts_TK):
    rows = []
    for x_D, weights_K, experts_K in zip(x_TD, weights_TK, experts_TK, strict=True):
        out_D = torch.zeros_like(x_D)
        for weight, expert in zip(weights_K, experts_K.tolist(), strict=True):
            inner_1I = silu_mul(linear(x_D[None], gate_up_EJD[expert]))
            out_D += weight * linear(inner_1I, down_EDI[expert])[0]
        rows.append(out_D)
    return torch.stack(rows)


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 5), st.data())
@settings(max_examples=30, deadline=None)
def test_every_token_goes_through_its_own_experts(seed, num_tokens, num_experts, data) -> None:
    chosen = data.draw(st.integers(1, num_experts))
    torch.manual_seed(seed)
    x_TD = torch.randn(num_tokens, 6)
    gate_up_EJD, down_EDI = torch.randn(num_experts, 8, 6), torch.randn(num_experts, 6, 4)
    weights_TK, experts_TK = route(torch.randn(num_tokens, num_experts), chosen, normalize=True)
    got_TD = fused_experts(x_TD, gate_up_EJD, down_EDI, weights_TK, experts_TK)
    expected_TD = one_by_one(x_TD, gate_up_EJD, down_EDI, weights_TK, experts_TK)
    torch.testing.assert_close(got_TD, expected_TD, rtol=1e-4, atol=1e-4)


@given(st.integers(0, 99), st.integers(1, 6), st.booleans())
def test_a_router_takes_the_likeliest(seed: int, chosen: int, normalize: bool) -> None:
    logits_TE = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed))
    weights_TK, experts_TK = route(logits_TE, chosen, normalize=normalize)
    shares_TE = logits_TE.softmax(dim=-1)
    assert experts_TK.tolist() == logits_TE.argsort(descending=True)[:, :chosen].tolist()
    expected_TK = shares_TE.gather(1, experts_TK)
    if normalize:
        expected_TK /= expected_TK.sum(dim=-1, keepdim=True)
    torch.testing.assert_close(weights_TK, expected_TK)
