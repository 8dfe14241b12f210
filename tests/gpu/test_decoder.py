"""The whole decoder on Triton's ops against the same weights on the oracle's, whatever a step mixes.

One layer, where a second is none of the point: the interpreter is slow.
"""

import pytest
import torch
from support.paged_run import PagedRun, prompts_of
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.kernels.ops import load_ops
from penstock.workers.backend import Backend, reference_backend
from penstock.workers.weights.loader import load_model

pytestmark = pytest.mark.gpu
PROMPTS = prompts_of([6, 2, 4])
STEPS = ([5, 0, 3], [1, 2, 1])
"""Chunks of two prompts, then a whole one beside rows of one token."""
TOLERANCE = {
    torch.float32: {"rtol": 1e-4, "atol": 1e-5},
    torch.float16: {"rtol": 1e-2, "atol": 2e-3},
    torch.bfloat16: {"rtol": 5e-2, "atol": 2e-2},
}


@pytest.fixture(scope="module")
def triton_ops(device):
    return load_ops("triton")


@pytest.fixture
def make(tmp_path, device):
    """A run of a variant's model with the ops at hand."""

    def make(variant, dtype, backend, cache_dtype=None):
        layers = 2 if variant == "shared expert" else 1
        model = load_model(
            write_tiny_model(tmp_path, **VARIANTS[variant], num_hidden_layers=layers),
            dtype=dtype, device=device, load_format="dummy", seed=1, max_model_len=64,
            progress=lambda *_: None, backend=backend,
        )  # fmt: skip
        return PagedRun(model, PROMPTS, cache_dtype=cache_dtype, device=device)

    return make


def assert_alike(found, expected, dtype):
    torch.testing.assert_close(found, expected, **TOLERANCE[dtype])
    assert all(logits_TV.std() > 0.1 for logits_TV in expected), "numbers that say nothing"


@pytest.mark.parametrize("variant", VARIANTS)
def test_prompts_and_decoding_rows_mixed(triton_ops, make, variant):
    found = make(variant, torch.float32, Backend(triton_ops)).by_steps(STEPS)
    expected = make(variant, torch.float32, reference_backend()).by_steps(STEPS)
    assert_alike(found, expected, torch.float32)


def test_in_each_type(triton_ops, make, dtype):
    found = make("head norms", dtype, Backend(triton_ops)).by_steps(STEPS)
    expected = make("head norms", dtype, reference_backend()).by_steps(STEPS)
    assert_alike(found, expected, dtype)


def test_a_cache_in_fp8(triton_ops, make):
    fp8 = torch.float8_e4m3fn
    found = make("llama", torch.float32, Backend(triton_ops), fp8).by_steps(STEPS)
    expected = make("llama", torch.float32, reference_backend(), fp8).by_steps(STEPS)
    # A rounding before the code may fall on either side of a border.
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize("variant", ["llama", "window", "experts"])
def test_batch_invariant_to_the_last_bit(triton_ops, make, lowest, variant):
    backend = Backend(triton_ops, batch_invariant=True)
    whole = make(variant, lowest, backend).whole()
    cut = make(variant, lowest, backend).by_steps(STEPS)
    assert all(map(torch.equal, cut, whole))
