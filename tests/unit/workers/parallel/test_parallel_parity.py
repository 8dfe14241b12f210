"""A model in parts gives the logits of the whole one, for every family and switch."""

from pathlib import Path

import pytest
import torch
from support.checkpoints import EXTRAS, SWITCHES, make_checkpoint
from support.paged_run import CPU, PagedRun, prompts_of
from support.thread_ranks import run_ranks

from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.weights.loader import materialize, open_model

PROMPTS = prompts_of([23, 1, 9, 16])
SHAPES = [(2, 1), (4, 1), (1, 3), (2, 2)]


def logits(model_dir: Path, company: Company) -> list[torch.Tensor]:
    opened = open_model(model_dir, dtype=None, part=company.part)
    model = materialize(opened, CPU, 64, lambda *_: None, company)
    return PagedRun(model, PROMPTS).at_random(seed=1, longest=7)


def assert_parts_are_the_whole(model_dir: Path, size: int, num_stages: int) -> None:
    whole = logits(model_dir, NOBODY)
    ranks = run_ranks(lambda company: logits(model_dir, company), size, num_stages)
    for ours in ranks[-size:]:
        torch.testing.assert_close(ours, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("size", "num_stages"), SHAPES)
@pytest.mark.parametrize("family", EXTRAS)
def test_families(family: str, size: int, num_stages: int, tmp_path: Path) -> None:
    make_checkpoint(tmp_path, family)
    assert_parts_are_the_whole(tmp_path, size, num_stages)


@pytest.mark.parametrize(
    "switch", ["llama biases", "llama tied", "mistral window", "qwen3 biases", "qwen3 layer types"]
)
def test_switches(switch: str, tmp_path: Path) -> None:
    family, extra = SWITCHES[switch]
    make_checkpoint(tmp_path, family, **extra)
    assert_parts_are_the_whole(tmp_path, 2, 2)
