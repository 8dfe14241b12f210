"""A decoder with rounded weights on Triton's ops against the same on the oracle's."""

import pytest
import torch
from support.paged_run import PagedRun, prompts_of
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.kernels.ops import load_ops
from penstock.workers.backend import Backend, reference_backend
from penstock.workers.weights.loader import load_model

pytestmark = pytest.mark.gpu
PROMPTS = prompts_of([9, 1])
TOLERANCE = {
    torch.float16: {"rtol": 3e-2, "atol": 3e-2},
    torch.bfloat16: {"rtol": 1e-1, "atol": 1e-1},
}
# An activation near the border between two codes may fall on either side of it.
TOLERANCE_FP8 = {"rtol": 5e-2, "atol": 5e-2}


@pytest.fixture(scope="module")
def triton_ops(device):
    return load_ops("triton")


@pytest.mark.parametrize("variant", ["llama", "experts"])
@pytest.mark.parametrize("quantization", ["int8", "int4", "fp8"])
def test_logits(triton_ops, device, lowest, quantization, variant, tmp_path):
    tied = quantization == "int4"
    model_dir = write_tiny_model(
        tmp_path,
        **VARIANTS[variant],
        hidden_size=64,
        intermediate_size=96,
        head_dim=16,
        num_hidden_layers=1,
        tie_word_embeddings=tied,
    )

    def logits(backend, quantization):
        model = load_model(
            model_dir, dtype=lowest, device=device, load_format="dummy", seed=1, max_model_len=64,
            progress=lambda *_: None, backend=backend, quantization=quantization,
        )  # fmt: skip
        return torch.cat(PagedRun(model, PROMPTS, device=device).at_random(seed=1, longest=8))

    found_TV = logits(Backend(triton_ops), quantization)
    expected_TV = logits(reference_backend(), quantization)
    tolerance = TOLERANCE_FP8 if quantization == "fp8" else TOLERANCE[lowest]
    torch.testing.assert_close(found_TV, expected_TV, **tolerance)
    plain_TV = logits(reference_backend(), None)
    assert 0 < (found_TV - plain_TV).norm() < 0.3 * plain_TV.norm()
