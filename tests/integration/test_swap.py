"""Preempted sequences that are swapped to host memory and back say what they would have said, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.deployment import Deployment

NUM_REQUESTS = 16
PRESSURE = (
    *("--num-gpu-blocks-override", "24", "--max-model-len", "320", "--max-num-seqs", "12"),
    *("--max-num-batched-tokens", "64", "--no-enable-prefix-caching"),
)
NATIVE = ("--cpu-kernels", "native", "--dtype", "bfloat16")
REFERENCE = ("--cpu-kernels", "reference", "--dtype", "float32")


def body(number: int) -> dict[str, Any]:
    """Greedy: several ranks round in another order than one does."""
    prompt = [20 + (7 * i + number) % 280 for i in range(40 + 3 * number)]
    return {
        "prompt": prompt, "max_tokens": 40 + number, "ignore_eos": True, "temperature": 0,
        "return_token_ids": True,
    }  # fmt: skip


def answers(server: Deployment) -> list[list[int]]:
    with ThreadPoolExecutor(12) as pool:
        found = list(
            pool.map(lambda i: server.post("/v1/completions", body(i)), range(NUM_REQUESTS))
        )
    assert {status for status, _ in found} == {200}
    return [answer["choices"][0]["token_ids"] for _, answer in found]


@pytest.fixture(scope="module")
def of_reference() -> list[list[int]]:
    with Deployment(*PRESSURE, *REFERENCE) as server:
        return recomputed(server)


def recomputed(server: Deployment) -> list[list[int]]:
    found = answers(server)
    assert server.metric("penstock:recomputed_tokens_total") > 100
    assert server.metric("penstock:restored_tokens_total") == 0
    return found


def swapped(server: Deployment) -> list[list[int]]:
    found = answers(server)
    assert server.metric("vllm:num_preemptions_total") > 1
    assert server.metric("penstock:recomputed_tokens_total") == 0
    assert server.metric("penstock:restored_tokens_total") > 100
    assert server.metric("penstock:swapped_in_blocks_total") > 0
    assert server.metric("vllm:cpu_cache_usage_perc") == 0
    assert " to swap to" in server.log()
    return found


@pytest.mark.slow
def test_native_kernels_find_their_pages_again() -> None:
    with Deployment(*PRESSURE, *NATIVE) as server:
        expected = recomputed(server)
    with Deployment(*PRESSURE, *NATIVE, "--swap-space", "0.25") as server:
        assert swapped(server) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "ranks", [(), pytest.param(("-tp", "2", "-pp", "2"), marks=pytest.mark.long)]
)
def test_each_rank_swaps_its_own_share(
    ranks: tuple[str, ...], of_reference: list[list[int]]
) -> None:
    with Deployment(*PRESSURE, *REFERENCE, *ranks, "--swap-space", "0.1") as server:
        assert swapped(server) == of_reference
