"""Every flag and variable that users of vLLM bring: real, without effect and told so, or the end of the start."""

import re
from typing import Any

import pytest
from support.outcomes import Outcome, outcome

from penstock.protocol import flags
from penstock.protocol.flags.command_line import effect_of
from penstock.protocol.settings import SERVE_STRUCTS, ForeignSettings

REAL, INERT, REFUSED = "does what it says", "has no effect", "ends the start"

FLAGS = [
    ("--model m", REAL), ("--tokenizer t", REAL), ("--dtype half", REAL),
    ("--dtype bfloat16", REAL), ("--dtype float16", REAL), ("--dtype float32", REAL),
    ("--trust-remote-code", INERT), ("--revision v1", REAL), ("--download-dir /d", REAL),
    ("--load-format safetensors", REAL), ("--load-format dummy", REAL),
    ("--load-format pt", REFUSED), ("--load-format dtensor", REFUSED),
    ("--load-format sharded_state", REFUSED), ("--tokenizer-mode slow", INERT),
    ("-tp 2", REAL), ("--tp 2", REAL), ("--tensor-parallel-size 2", REAL),
    ("--pipeline-parallel-size 2", REAL), ("-pp 2", REAL), ("--worker-use-ray", REAL),
    ("--distributed-executor-backend ray", REAL), ("--distributed-executor-backend mp", REAL),
    ("--max-model-len 4096", REAL), ("--max-model-len 8k", REAL),
    ("--gpu-memory-utilization 0.95", REAL), ("--gpu-mem-util 0.85", REAL),
    ("--max-num-seqs 512", REAL), ("--max-num-batched-tokens 32768", REAL),
    ("--scheduler-delay-factor 0.1", REAL), ("--delay-factor 0.1", REAL),
    ("--swap-space 8", REAL), ("--cpu-offload-gb 4", REAL),
    ("--num-gpu-blocks-override 100", REAL), ("--kv-cache-memory-bytes 1GiB", REAL),
    ("--enable-lora", REFUSED), ("--lora-modules a=b", REFUSED), ("--max-loras 2", INERT),
    ("--max-lora-rank 64", INERT), ("--max-lora-size 64", INERT),
    ("--enable-auto-tool-choice", REAL), ("--tool-call-parser hermes", REAL),
    ("--reasoning-parser qwen3", REAL), ("--no-enable-prefix-caching", REAL),
    ("--no-enable-chunked-prefill", REAL), ("--enforce-eager", REAL), ("--seed 42", REAL),
    ("--quantization int8", REAL), ("-q gptq", REFUSED), ("--quantization fp8", REAL),
    ("--speculative-model m", INERT), ("--num-speculative-tokens 3", INERT),
    ('--speculative-config {"method":"ngram"}', INERT), ("--spec-method ngram", INERT),
    ("--spec-model m", INERT), ("--spec-tokens 5", INERT),
    ("--task embed", REFUSED), ("--task generate", REAL), ("--runner pooling", REFUSED),
    ("--convert embed", REFUSED), ("--host 127.0.0.1", REAL), ("--port 8001", REAL),
    ("--uds /s", REAL), ("--api-key a b", REAL), ("--allowed-origins *", REAL),
    ('--allowed-origins ["https://a.example","http://localhost:3000"]', REAL),
    ("--allow-credentials", REAL), ("--allowed-methods GET", REAL), ("--allowed-methods []", REAL),
    ("--allowed-headers a,b", REAL), ("--allowed-origins a.example/x", REFUSED),
    ("--ssl-certfile c", REAL), ("--ssl-certfile c --ssl-keyfile k", REAL),
    ("--ssl-certfile c --ssl-ca-certs a --ssl-cert-reqs 2", REAL), ("--ssl-keyfile k", REFUSED),
    ("--ssl-certfile c --ssl-ciphers HIGH --enable-ssl-refresh", REAL),
    ("--enable-ssl-refresh", REFUSED), ("--ssl-certfile c --ssl-cert-reqs 2", REFUSED),
    ("--disable-log-requests", REAL), ("--enable-log-requests", REAL),
    ("--enable-log-outputs", INERT),
    ("--rate-limit-interval 60", REFUSED), ("--rate-limit-token 10", REAL),
    ("--rate-limit-interval 60 --rate-limit-token 10", REAL),
    ("--data-parallel-size 4", REFUSED), ("-dp 2", REFUSED),
    ("--data-parallel-multi-port-external-lb", REFUSED), ("--api-server-count 4", REAL),
    ("--scheduling-policy priority", REAL), ("--max-num-queued-reqs 5", REAL),
    ("--max-num-queued-tokens 5k", REAL), ("--kv-cache-dtype fp8", REAL),
    ("--kv-cache-dtype fp8_e4m3", REAL), ("--kv-cache-dtype auto", REAL),
    ("--kv-cache-dtype bfloat16", REAL), ("--kv-cache-dtype fp8_e5m2", REFUSED),
    ("--batch-invariant", REAL),
    ("--chat-template t", REAL), ("--generation-config vllm", REAL),
    ('--override-generation-config {"temperature":1}', REAL),
    ('--structured-outputs-config {"backend":"auto"}', INERT), ("--no-async-scheduling", REAL),
    ("--stream-interval 4", REAL), ("--shutdown-timeout 0", REAL),
    ('--limit-mm-per-prompt {"image":2}', INERT), ("--enable-sleep-mode", INERT),
    ('--kv-events-config {"publisher":"zmq"}', INERT),
    ('--kv-transfer-config {"kv_role":"both"}', REFUSED), ("--kv-transfer-config {}", REAL),
    ("--kv-offloading-size 4", INERT), ("--otlp-traces-endpoint http://x", INERT),
    ("--enable-prompt-tokens-details", INERT),
    ("--enable-request-id-headers", REAL), ("--no-enable-request-id-headers", REAL),
    ("--sse-keep-alive-interval 5", REAL), ("--root-path /x", REAL), ("--root-path x", REFUSED),
    ("--h11-max-incomplete-event-size 4194304", REAL), ("--h11-max-header-count 256", REAL),
    ("--request-timeout 60", REAL), ("--max-queue-time-s 10", REAL), ("--uds-mode 660", REAL),
    ("--validation-status 422", REAL), ("--validation-status=418", REFUSED),
    ("--log-format json", REAL), ("--log-config-file f", INERT),
    ("--middleware m", REFUSED), ("--max-logprobs 5", REAL),
    ("--logprobs-mode raw_logprobs", REAL), ("--logprobs-mode processed_logits", REFUSED),
    ("--max-log-len 100", REAL), ("--uvicorn-log-level debug", REAL),
    ("--disable-access-log-for-endpoints /health,/metrics", REAL),
    ("--disable-uvicorn-access-log", REAL), ("--headless", REFUSED), ("--nnodes 2", REFUSED),
    ("--node-rank 1", REFUSED), ("-O0", INERT), ("-O3", INERT),
    ("--performance-mode throughput", INERT), ("--max_model_len 4096", REAL),
    ("--compilation-config.level 3", INERT), ("--compilation_config.pass_config.x 1", INERT),
    ("-cc.mode 3", INERT), ("-O.mode=3", INERT), ("-O 2", INERT), ("--hf-overrides {}", REAL),
    ("--hf-overrides.rope.theta 1e6", REFUSED), ("--hf-overrides {\"a\":1}", REFUSED),
    ("--speculative-config.method ngram --speculative-config.prompt_lookup_max=4", INERT),
    ("--kv-transfer-config.kv_role both", REFUSED), ("--skip-tokenizer-init", INERT),
    ("--structured-outputs-config.backend xgrammar", INERT),
    ("--override-generation-config.temperature 0.5", REAL),
    ("--limit-mm-per-prompt.image 2 --limit-mm-per-prompt.video=0", INERT),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), FLAGS, ids=[words for words, _ in FLAGS])
def test_a_flag(words: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = outcome(words.split(), capsys)
    kind = REFUSED if found.ends else INERT if found.told else REAL
    assert (kind, found.ends.count("\n")) == (expected, kind == REFUSED), found
    assert "has no effect" in "".join(found.told) or kind != INERT
    assert len(found.told) == (kind == INERT)


VARIABLES = [
    ("VLLM_PORT", "8001", {"port": 8001}),
    ("VLLM_PORT", "tcp://10.0.0.7:8000", {}),
    ("VLLM_API_KEY", "a,b", {"api_key": ["a,b"]}),
    ("VLLM_API_KEY", '["a"]', {"api_key": ['["a"]']}),
    ("VLLM_CPU_KVCACHE_SPACE", "2", {"kv_cache_memory_bytes": 2 << 30}),
    ("VLLM_LOGGING_LEVEL", "DEBUG", {"log_level": "debug"}),
    ("VLLM_ENGINE_READY_TIMEOUT_S", "60", {"worker_start_timeout_s": 60}),
    ("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "9", {"keep_alive_s": 9}),
    ("VLLM_MAX_STOP_STRINGS", "8", {"max_stop_strings": 8}),
    ("VLLM_BATCH_INVARIANT", "1", {"batch_invariant": True}),
    ("VLLM_RUST_FRONTEND_PATH", "/bin/vllm-rs", {"frontend_program": "/bin/vllm-rs"}),
]


@pytest.mark.parametrize(("name", "value", "sets"), VARIABLES)
def test_a_variable(
    name: str, value: str, sets: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome([], capsys, **{name: value}) == Outcome(sets)


@pytest.mark.parametrize(
    "name",
    [
        "VLLM_CPU_OMP_THREADS_BIND",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
        "VLLM_SERVER_DEV_MODE",
        "VLLM_LOG_STATS_INTERVAL",
        "VLLM_USE_RUST_FRONTEND",
    ],
)
def test_a_variable_without_effect(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (notice,) = outcome([], capsys, **{name: "1"}).told
    assert notice.startswith(f"{name} has no effect: ")


def test_a_variable_that_nobody_reads(capsys: pytest.CaptureFixture[str]) -> None:
    (notice,) = outcome([], capsys, VLLM_LOGING_LEVEL="debug").told
    assert (
        notice == "VLLM_LOGING_LEVEL is set, but nothing reads it; did you mean VLLM_LOGGING_LEVEL?"
    )


def test_the_default_of_a_foreign_setting_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    argv = [
        "--data-parallel-size",
        "1",
        "--no-enable-lora",
        "--max-loras",
        "1",
        "--task",
        "auto",
        "--nnodes",
        "1",
    ]
    assert outcome(argv, capsys) == Outcome()


def test_no_setting_of_penstock_is_in_the_table_of_foreign_ones() -> None:
    """A foreign setting that has become real leaves the table, or it would still be refused."""
    *own, foreign = SERVE_STRUCTS
    known = {word for s in own for f in flags.fields_of(s) for word in [f.name, *f.spellings]}
    assert not known & {w for f in flags.fields_of(foreign) for w in [f.name, *f.spellings]}


def test_what_is_said_of_ranks_and_hosts_is_what_parallelism_md_says() -> None:
    said = {field.flag: effect_of(field) for field in flags.fields_of(ForeignSettings)}
    assert "--distributed-executor-backend ray" in said["--nnodes"]
    for flag in ("--prefill-context-parallel-size", "--decode-context-parallel-size"):
        assert "--tensor-parallel-size and --pipeline-parallel-size split the model" in said[flag]
    assert not [
        flag for flag, words in said.items() if re.search("(one|a single) (device|host)", words)
    ]
