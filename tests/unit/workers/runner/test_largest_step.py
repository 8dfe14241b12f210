"""The step that is measured at start is one that the decoder can run, and as large as said."""

from pathlib import Path

import pytest
import torch
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds, step_bounds
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.kv_dtype import FP8
from penstock.workers.largest_step import LargestStep
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.weights.loader import load_model

CPU = torch.device("cpu")


class Watched:
    """Notes what a decoder is asked for."""

    def __init__(self, model: DecoderModel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[Batch] = []
        self.num_logits: list[int] = []
        forward, logits = model.forward, model.logits

        def noted_forward(batch: Batch, cache: KVCache) -> torch.Tensor:
            batch.check()
            self.batches.append(batch)
            return forward(batch, cache)

        def noted_logits(hidden_ND: torch.Tensor) -> torch.Tensor:
            self.num_logits.append(len(hidden_ND))
            return logits(hidden_ND)

        monkeypatch.setattr(model, "forward", noted_forward)
        monkeypatch.setattr(model, "logits", noted_logits)


def load(model_dir: Path) -> DecoderModel:
    return load_model(
        model_dir, dtype=None, device=CPU, load_format="dummy", progress=lambda *_: None
    )


@pytest.mark.parametrize("dtype", ["float32", FP8])
@pytest.mark.parametrize("variant", VARIANTS)
def test_all_tokens_in_a_prompt_then_all_sequences(
    variant: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(write_tiny_model(tmp_path, **VARIANTS[variant]))
    watched = Watched(model, monkeypatch)
    step = LargestStep(model, StepBounds(300, 7), getattr(torch, dtype), 16)
    step.prompt()
    step.decode()
    prompt, rows = (batch.rows for batch in watched.batches)
    assert (prompt.query_lens, prompt.context_lens) == ((300,), (300,))
    assert (rows.query_lens, rows.context_lens) == ((1,) * 7, (256,) * 7)
    assert watched.num_logits == [7]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (8192, 256)),
        ({"max_num_batched_tokens": 100}, (100, 100)),
        ({"max_num_seqs": 3}, (8192, 3)),
        ({"enable_chunked_prefill": False}, (20_000, 256)),
        ({"enable_chunked_prefill": False, "max_num_batched_tokens": 30_000}, (30_000, 256)),
    ],
)
def test_how_large_it_is(settings: dict[str, int], expected: tuple[int, int]) -> None:
    assert step_bounds(WorkerSettings(**settings), "cuda", 20_000) == expected  # type: ignore[arg-type]
