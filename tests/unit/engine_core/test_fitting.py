"""What settings become once a model has said what it is and what memory there is."""

import logging
from typing import Any

import pytest

from penstock.engine_core.fitting import Fit, fit
from penstock.protocol.errors import SettingsError
from penstock.protocol.plan import WorkerHello
from penstock.protocol.settings import EngineSettings


def fitted(kv_tokens: int = 100_000, device: Any = "cpu", **settings: Any) -> Fit:
    hello = WorkerHello(0, 1, "bfloat16", 320, 4096, 64, 64 * kv_tokens, 0, 0.1, device)
    return fit(EngineSettings(**settings), [hello], created=7)


def test_defaults_follow_the_device() -> None:
    on_cpu, on_gpu = fitted().config, fitted(device="cuda").config
    assert (on_cpu.max_num_seqs, on_cpu.max_num_batched_tokens) == (64, 2048)
    assert (on_gpu.max_num_seqs, on_gpu.max_num_batched_tokens) == (256, 8192)
    assert (on_cpu.num_blocks, on_cpu.max_model_len) == (6250, 4096)
    assert on_cpu.max_queued_tokens == 64 * 4096


def test_the_smallest_rank_bounds_the_cache() -> None:
    hellos = [
        WorkerHello(r, 1, "bfloat16", 9, 64, 64, 64 * n, 0, 0) for r, n in ((0, 999), (1, 640))
    ]
    assert fit(EngineSettings(), hellos, 0).config.num_blocks == 40


def of_ranks(*ranks: tuple[int, int], swap_space: float) -> int:
    """Host blocks for ranks of so many bytes a token, with so much host memory."""
    hellos = [
        WorkerHello(r, 1, "bfloat16", 9, 64, per_token, per_token << 20, 0, 0, "cuda", available)
        for r, (per_token, available) in enumerate(ranks)
    ]
    return fit(EngineSettings(swap_space=swap_space), hellos, 0).config.num_host_blocks


def test_swap_space_is_what_every_rank_has_room_for(caplog: pytest.LogCaptureFixture) -> None:
    big = 64 << 30
    with caplog.at_level(logging.WARNING):
        assert of_ranks((64, big), swap_space=0.5) == (1 << 29) // (16 * 64)
        assert of_ranks((64, big), (128, big), swap_space=0.5) == (1 << 29) // (16 * 128)
        assert of_ranks((64, big), swap_space=0) == 0
    assert not caplog.records


def test_swap_space_beyond_the_hosts_memory_is_lowered_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A setting that was written for a larger machine starts on a smaller one too."""
    with caplog.at_level(logging.WARNING):
        assert of_ranks((64, 3 << 30), (64, 1 << 30), swap_space=4) == (1 << 30) // (16 * 64)
    assert "--swap-space lowered to 1.00 GiB" in caplog.text


def test_swap_space_reaches_workers_and_the_log() -> None:
    hello = WorkerHello(0, 1, "bfloat16", 9, 64, 64, 64 << 20, 0, 0, "cpu", 1 << 30)
    found = fit(EngineSettings(swap_space=0.25), [hello], 0)
    assert found.configure.num_host_blocks == 262144
    assert "262144 to swap to" in found.summary


def test_a_small_cache_lowers_the_length_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert fitted(kv_tokens=1000).config.max_model_len == 992
    assert "max_model_len lowered to 992" in caplog.text
    assert "--kv-cache-memory-bytes" in caplog.text
    assert fitted(num_gpu_blocks_override=3).config.max_model_len == 48


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"kv_tokens": 1000, "max_model_len": 1001}, "--kv-cache-memory-bytes"),
        ({"max_model_len": 5000}, "the checkpoint supports 4096"),
        ({"kv_tokens": 3}, "--gpu-memory-utilization"),
        (
            {"enable_chunked_prefill": False, "max_num_batched_tokens": 100},
            "--no-enable-chunked-prefill",
        ),
    ],
)
def test_what_cannot_hold_is_an_error_with_advice(settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(SettingsError, match=advice):
        fitted(**settings)


def test_without_chunking_the_budget_holds_the_longest_prompt() -> None:
    assert fitted(enable_chunked_prefill=False).config.max_num_batched_tokens == 4096


def test_the_card_says_what_is_served() -> None:
    found = fitted(served_model_name=["me", "too"], max_num_seqs=8, max_num_batched_tokens=4)
    assert (found.card.name, found.card.created, found.card.dtype) == ("me", 7, "bfloat16")
    assert found.limits.max_num_seqs == 4, "no more sequences than tokens in a step"
    assert found.configure.max_num_seqs == 4
