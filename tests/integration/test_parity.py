"""The whole house against transformers: greedy tokens are equal, whatever the scheduler had to do."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from support.brook_prompts import BROOK, prompts
from support.deployment import Deployment
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

NUM_PROMPTS = 200
NUM_GENERATED = 20


@torch.inference_mode()
def chooses(model: Any, prompt: list[int], tokens: list[int], max_tokens: int) -> bool:
    """Whether each token is the model's own choice behind those before it, and the end is in its place.

    That is what `generate` would do, in one pass instead of one for each token.
    """
    logits_TV = model(torch.tensor([[*prompt, *tokens]])).logits[0, len(prompt) - 1 : -1]
    ends = model.generation_config.eos_token_id
    is_end = [token in (ends if isinstance(ends, list) else [ends]) for token in tokens]
    is_whole = len(tokens) == max_tokens or is_end[-1]
    return logits_TV.argmax(1).tolist() == tokens and is_whole and not any(is_end[:-1])


@torch.inference_mode()
def generate(model: Any, prompt: list[int], max_tokens: int) -> list[int]:
    ids = torch.tensor([prompt])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False
    )
    tokens: list[int] = out[0, len(prompt) :].tolist()
    return tokens


def ask(server: Deployment, prompt: list[int], max_tokens: int) -> list[int]:
    body = {"prompt": prompt, "max_tokens": max_tokens, "temperature": 0, "return_token_ids": True}
    status, answer = server.post("/v1/completions", body)
    assert status == 200, answer
    tokens: list[int] = answer["choices"][0]["token_ids"]
    return tokens


@pytest.mark.slow
def test_greedy_tokens_equal_transformers_under_pressure() -> None:
    """fp32; chunked prefill, prefix caching, preemption and 16 requests at a time all at work."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(BROOK)
    work = [(p, 16 + i % 33) for i, p in enumerate(prompts(tokenizer, NUM_PROMPTS))]
    pressure = ("--dtype", "float32", "--num-gpu-blocks-override", "20", "--max-model-len", "320")
    with (
        Deployment(*pressure, "--max-num-batched-tokens", "48", "--max-num-seqs", "16") as server,
        ThreadPoolExecutor(16) as pool,
    ):
        got = list(pool.map(lambda item: ask(server, *item), work))
        preemptions = server.metric("vllm:num_preemptions_total")
        hits = server.metric("vllm:prefix_cache_hits_total")
    model = AutoModelForCausalLM.from_pretrained(BROOK, dtype=torch.float32)
    wrong = [
        i
        for i, ((prompt, most), tokens) in enumerate(zip(work, got, strict=True))
        if not chooses(model, prompt, tokens, most)
        or (i < NUM_GENERATED and generate(model, prompt, most) != tokens)
    ]
    print(
        f"{len(work)} prompts, {preemptions:.0f} preemptions, {hits:.0f} tokens from the prefix cache"
    )
    assert preemptions > 0
    assert hits > 0
    assert not wrong, f"{len(wrong)} of {len(work)} differ, first prompt {wrong[0]}"
