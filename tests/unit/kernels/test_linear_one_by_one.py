"""The oracle's product, asked for the same bits in any company."""

import pytest
import torch

from penstock.kernels.reference import linear

SHAPES = [(1, 1), (7, 3), (64, 96), (129, 256)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("num_inputs", "num_outputs"), SHAPES)
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_token_alone_is_a_token_among_many(dtype, num_inputs, num_outputs, with_bias):
    random = torch.Generator().manual_seed(num_inputs)
    x_TI, weight_OI, bias_O = (
        torch.randn(shape, generator=random).to(dtype)
        for shape in ((13, num_inputs), (num_outputs, num_inputs), (num_outputs,))
    )
    bias = bias_O if with_bias else None
    together_TO = linear(x_TI, weight_OI, bias, batch_invariant=True)
    torch.testing.assert_close(together_TO, linear(x_TI, weight_OI, bias))
    for token in range(13):
        alone_TO = linear(x_TI[token : token + 1].clone(), weight_OI, bias, batch_invariant=True)
        assert torch.equal(alone_TO[0], together_TO[token])


def test_no_tokens_at_all():
    assert linear(torch.empty(0, 4), torch.empty(3, 4), batch_invariant=True).shape == (0, 3)
