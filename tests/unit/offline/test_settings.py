"""Keyword arguments of `LLM` as settings of its programs."""

import logging
from pathlib import Path

import pytest
import torch

from penstock.offline.errors import UnsupportedError
from penstock.offline.settings import read_settings
from penstock.protocol.errors import SettingsError


def test_values_may_be_what_programs_have_at_hand() -> None:
    given = {"dtype": torch.bfloat16, "download_dir": Path("/tmp/hub"), "max_model_len": "2k"}
    engine, frontend = read_settings(Path("/models/m"), given)
    assert (engine.model, engine.dtype, engine.max_model_len) == ("/models/m", "bfloat16", 2000)
    assert engine.download_dir == frontend.download_dir == "/tmp/hub"
    assert read_settings("m", {"tp": 1}).engine.tensor_parallel_size == 1


def test_none_is_the_default_and_a_batch_may_be_large() -> None:
    engine, frontend = read_settings("m", {"seed": None, "max_model_len": None})
    assert (engine.seed, engine.max_model_len, engine.log_level) == (0, None, "warning")
    assert engine.max_num_queued_reqs > 10**6
    assert frontend.max_stop_strings > 100


def test_variables_of_http_do_not_matter_but_those_of_the_engine_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_PORT", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("PENSTOCK_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("PENSTOCK_KV_CACHE_MEMORY_BYTES", "64MiB")
    engine, _ = read_settings("m", {})
    assert (engine.log_level, engine.kv_cache_memory_bytes) == ("debug", 64 << 20)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spec_tokens", 5),
        ("speculative_config", {"method": "ngram"}),
        ("compilation_config", object()),
        ("disable_log_stats", True),
        ("preemption_mode", "swap"),
        ("skip_tokenizer_init", True),
        ("cc", 3),
    ],
)
def test_what_has_no_effect_is_said_in_one_line(
    name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """By the one table that command lines and files are read by too."""
    with caplog.at_level(logging.WARNING):
        read_settings("m", {name: value})
    (said,) = [record.getMessage().split(":")[0] for record in caplog.records]
    assert said == f"{'compilation_config' if name == 'cc' else name} has no effect"


def test_a_variable_that_nobody_reads_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_ATTENTION_BACKENDS", "x")
    with caplog.at_level(logging.WARNING):
        read_settings("m", {})
    (told,) = caplog.messages
    assert told.endswith("; did you mean VLLM_ATTENTION_BACKEND?")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("max_model_length", 9, SettingsError),
        ("port", 8000, SettingsError),
        ("keep_alive_s", 9, SettingsError),
        ("endpoint", "ipc:///x", SettingsError),
        ("seed", "x", SettingsError),
        ("enable_lora", True, UnsupportedError),
        ("runner", "pooling", UnsupportedError),
        ("data_parallel_size", 2, UnsupportedError),
        ("quantization", "awq", UnsupportedError),
        ("hf_overrides", {"a": 1}, UnsupportedError),
    ],
)
def test_the_rest_is_refused_by_its_name(name: str, value: object, error: type) -> None:
    with pytest.raises(error, match=name):
        read_settings("m", {name: value})


def test_values_that_ask_for_nothing_are_taken() -> None:
    read_settings("m", {"enable_lora": False, "runner": "generate", "task": "auto"})
    read_settings("m", {"hf_overrides": {}, "convert": "none", "data_parallel_size": 1})
