"""Asked to, torch's operations give a token the same bits in any company and however its prompt is cut."""

from pathlib import Path

import pytest
import torch
from support.paged_run import CPU, PagedRun, prompts_of
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.kernels.ops import load_ops
from penstock.workers.backend import Backend, reference_backend
from penstock.workers.weights.loader import load_model

PROMPTS = prompts_of([33, 1, 9])


def load(variant: str, dtype: torch.dtype, backend: Backend, folder: Path):
    return load_model(
        write_tiny_model(folder, **VARIANTS[variant]), dtype=dtype, device=CPU, load_format="dummy",
        seed=1, max_model_len=64, progress=lambda *_: None, backend=backend,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("variant", VARIANTS)
def test_company_and_chunks_move_no_bit(variant, dtype, tmp_path):
    backend = Backend(load_ops("reference"), batch_invariant=True)
    model = load(variant, dtype, backend, tmp_path)
    whole = PagedRun(model, PROMPTS).whole()
    chunked = PagedRun(model, PROMPTS, seed=3).at_random(seed=3, longest=8)
    alone = [PagedRun(model, [prompt], seed=4).whole()[0] for prompt in PROMPTS]
    for one, other, third in zip(whole, chunked, alone, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, third)


@pytest.mark.parametrize("variant", VARIANTS)
def test_and_within_roundings_the_same_numbers(variant, tmp_path):
    backend = Backend(load_ops("reference"), batch_invariant=True)
    found = PagedRun(load(variant, torch.float32, backend, tmp_path), PROMPTS).whole()
    plain = load(variant, torch.float32, reference_backend(), tmp_path)
    torch.testing.assert_close(found, PagedRun(plain, PROMPTS).whole(), rtol=1e-5, atol=1e-6)
