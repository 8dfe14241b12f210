"""The whole decoder on Triton's ops against the same weights on the oracle's, whatever a step mixes."""

import pytest
import torch
from support.paged_run import PagedRun, prompts_of
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.kernels.ops import load_ops
from penstock.workers.backend import Backend, reference_backend
from penstock.workers.weights.loader import load_model

pytestmark = pytest.mark.gpu
PROMPTS = prompts_of([7, 2, 5])
STEPS = ([6, 0, 3], [1, 2, 1], [0, 0, 1])
"""Chunks of prompts, then a whole one beside rows of one token, then such a row alone."""
TOLERANCE = {
    torch.float32: {"rtol": 1e-4, "atol": 1e-4},
    torch.float16: {"rtol": 2e-2, "atol": 2e-2},
    torch.bfloat16: {"rtol": 1e-1, "atol": 1e-1},
}


@pytest.fixture(scope="module")
def triton_ops(device):
    return load_ops("triton")


@pytest.fixture(params=VARIANTS)
def model_dir(request, tmp_path):
    return write_tiny_model(tmp_path, **VARIANTS[request.param])


def run(model_dir, device, dtype, backend, cache_dtype=None):
    model = load_model(
        model_dir, dtype=dtype, device=device, load_format="dummy", seed=1,
        max_model_len=64, progress=lambda *_: None, backend=backend,
    )  # fmt: skip
    return PagedRun(model, PROMPTS, cache_dtype=cache_dtype, device=device)


def test_prompts_and_decoding_rows_mixed(triton_ops, model_dir, device, dtype):
    found = run(model_dir, device, dtype, Backend(triton_ops)).by_steps(STEPS)
    expected = run(model_dir, device, dtype, reference_backend()).by_steps(STEPS)
    torch.testing.assert_close(found, expected, **TOLERANCE[dtype])
    assert max(logits_TV.std() for logits_TV in expected) > 0.01, "numbers that say nothing"


def test_a_cache_in_fp8(triton_ops, device, dtype, tmp_path):
    model_dir, fp8 = write_tiny_model(tmp_path), torch.float8_e4m3fn
    found = run(model_dir, device, dtype, Backend(triton_ops), fp8).whole()
    expected = run(model_dir, device, dtype, reference_backend(), fp8).whole()
    torch.testing.assert_close(found, expected, rtol=3e-2, atol=3e-2)


def test_batch_invariant_to_the_last_bit(triton_ops, model_dir, device, dtype):
    backend = Backend(triton_ops, batch_invariant=True)
    whole = run(model_dir, device, dtype, backend).whole()
    chunked = run(model_dir, device, dtype, backend).by_steps(STEPS)
    for one, other in zip(chunked, whole, strict=True):
        assert torch.equal(one, other)
