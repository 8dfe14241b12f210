"""Beam search of the whole house against transformers: the same sequences, in the same order."""

from typing import Any

import pytest
import torch
from support.brook_prompts import BROOK, prompts
from support.deployment import Deployment
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from penstock.frontend.defaults import load_eos_ids

NUM_PROMPTS = 12
MAX_TOKENS = 24
EOS = sorted(load_eos_ids(BROOK, ()))
SEARCHES = [(2, 1.0, False), (4, 1.0, True), (4, 0.0, "never"), (6, 2.0, False)]


@torch.inference_mode()
def theirs(
    model: Any, prompt: list[int], width: int, penalty: float, stop: bool | str
) -> list[list[int]]:
    ids = torch.tensor([prompt])
    rows = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        num_beams=width,
        num_return_sequences=width,
        max_new_tokens=MAX_TOKENS,
        length_penalty=penalty,
        early_stopping=stop,
        eos_token_id=EOS,
        pad_token_id=EOS[0],
        do_sample=False,
    )
    return [_to_its_end(row) for row in rows[:, len(prompt) :].tolist()]


def _to_its_end(row: list[int]) -> list[int]:
    ends = [place for place, token in enumerate(row) if token in EOS]
    return row[: ends[0] + 1] if ends else row


def ours(
    server: Deployment, prompt: list[int], width: int, penalty: float, stop: bool | str
) -> list[list[int]]:
    body = {
        "prompt": prompt,
        "use_beam_search": True,
        "n": width,
        "max_tokens": MAX_TOKENS,
        "length_penalty": penalty,
        "early_stopping": stop,
        "return_token_ids": True,
    }
    status, answer = server.post("/v1/completions", body)
    assert status == 200, answer
    return [choice["token_ids"] for choice in answer["choices"]]


@pytest.mark.slow
def test_beams_equal_transformers(exact: Deployment) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(BROOK)
    work = [(p, *SEARCHES[i % 4]) for i, p in enumerate(prompts(tokenizer, NUM_PROMPTS))]
    hits_before = exact.metric("vllm:prefix_cache_hits_total")
    found = [ours(exact, *asked) for asked in work]
    hits = exact.metric("vllm:prefix_cache_hits_total") - hits_before
    model = AutoModelForCausalLM.from_pretrained(BROOK, dtype=torch.float32)
    for asked, beams in zip(work, found, strict=True):
        assert beams == theirs(model, *asked), asked
    assert hits > 0
