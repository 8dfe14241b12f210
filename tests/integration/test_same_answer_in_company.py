"""Bfloat16 models on native kernels, over HTTP: a request's tokens and log probabilities are the same in any company.

Alone on an idle server; then all together on one that cuts prompts into small chunks, preempts, and shares prefixes.
"""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import make_checkpoint
from support.deployment import Deployment
from support.variants import often
from transformers import PreTrainedTokenizerFast

import penstock

BROOK = Path(penstock.__file__).parent / "brook"
NUM_REQUESTS = 48
TEXT = "Tell me a story about a river, a mill and the wheel that turned for a hundred years. " * 4
PRESSURE = (
    "--num-gpu-blocks-override",
    "40",
    "--max-num-batched-tokens",
    "40",
    "--max-num-seqs",
    "16",
)
SAMPLING: tuple[dict[str, Any], ...] = (
    {"temperature": 0},
    {"temperature": 1.3, "seed": 11},
    {"temperature": 0.9, "top_p": 0.8, "seed": 12},
    {"temperature": 0.8, "top_k": 20, "seed": 13, "frequency_penalty": 0.5},
)


def bodies() -> list[dict[str, Any]]:
    """Prompts of 1 to 150 tokens, some of which begin alike."""
    dice = random.Random(5)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(BROOK)
    shared = tokenizer.encode(TEXT)
    made = []
    for i in range(NUM_REQUESTS):
        noise = [dice.randrange(20, len(tokenizer) - 20) for _ in range(dice.randint(1, 70))]
        prompt = shared[: dice.randint(10, 80)] + noise if i % 3 else noise
        made.append(
            {"prompt": prompt, "max_tokens": 12 + i, "ignore_eos": True, "logprobs": 3,
             "return_token_ids": True, **SAMPLING[i % len(SAMPLING)]}
        )  # fmt: skip
    return made


def ask(server: Deployment, body: dict[str, Any]) -> tuple[Any, Any]:
    status, answer = server.post("/v1/completions", body)
    assert status == 200, answer
    choice = answer["choices"][0]
    return choice["token_ids"], choice["logprobs"]["token_logprobs"]


def make_mixture(folder: Path) -> str:
    """A small Qwen2-MoE with brook's vocabulary: three experts of eight and one for all, a dense layer between."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(BROOK)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 64, "max_position_embeddings": 512}
    make_checkpoint(folder, "qwen2_moe", dtype=torch.bfloat16, num_experts=8, **sizes)
    for file in BROOK.glob("*token*.json"):
        shutil.copy(file, folder)
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", often(["dense"], ["mixture of experts"]))
def test_tokens_and_logprobs_do_not_depend_on_the_company(kind: str, tmp_path: Path) -> None:
    model = "brook" if kind == "dense" else make_mixture(tmp_path)
    requests = bodies()
    native = ("--cpu-kernels", "native", "--dtype", "bfloat16", "--max-model-len", "320")
    with Deployment(*native, "--no-enable-prefix-caching", model=model) as server:
        alone = [ask(server, body) for body in requests]
    with Deployment(*native, *PRESSURE, model=model) as server, ThreadPoolExecutor(16) as pool:
        crowd = list(pool.map(lambda body: ask(server, body), requests))
        assert server.metric("vllm:num_preemptions_total") > 0
        assert server.metric("vllm:prefix_cache_hits_total") > 0
    different = [i for i in range(NUM_REQUESTS) if alone[i] != crowd[i]]
    assert not different
