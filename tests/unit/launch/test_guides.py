"""Every command, flag and file that guides to vLLM show, `vllm` replaced by `penstock`: what comes of each.

What needs a server that runs (requests, snippets) is tested with one; here nothing is started.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.protocol import flags
from penstock.protocol.settings import SERVE_STRUCTS

FILES = Path(__file__).parent / "guides"


@dataclass(frozen=True)
class Outcome:
    """Settings that differ from the defaults, and what is said; or why the start ends."""

    sets: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    ends: str = ""


def outcome(argv: list[str], capsys: pytest.CaptureFixture[str], **environ: str) -> Outcome:
    try:
        settings = flags.parse("penstock serve", "", SERVE_STRUCTS, argv, environ)
    except SystemExit:
        return Outcome(ends=capsys.readouterr().err)
    told = [notice for struct in settings for notice in flags.inert_notices(struct)]
    changed = [found for struct in settings for found in _changed(struct)]
    return Outcome(dict(changed), tuple(dict.fromkeys(told)))


def _changed(settings: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """What has an effect and is not at its default."""
    for field_ in flags.fields_of(type(settings)):
        value = getattr(settings, field_.name)
        if value != field_.default and not field_.why("inert", value):
            yield field_.name, value


STARTS = [
    ["vllm", "serve"],
    ["vllm/vllm-openai:latest"],
    ["vllm.entrypoints.openai.api_server"],
    ["vllm.entrypoints.api_server"],
]


def of_command(command: str) -> list[str]:
    """The arguments of `penstock serve` behind a guide's command line."""
    words = shlex.split(command.replace("\\\n", " "))
    (argv,) = (
        words[i + len(start) :]
        for start in STARTS
        for i in range(len(words))
        if words[i : i + len(start)] == start
    )
    return argv


MODULES = ["penstock.entrypoints.openai.api_server", "penstock.entrypoints.api_server"]
MODULE = "python -m vllm.entrypoints.openai.api_server"
OLD_MODULE = "python -m vllm.entrypoints.api_server"
NO_SWAP = "--swap-space has no effect: preempted sequences are recomputed"
NO_CODE = "--trust-remote-code has no effect: Penstock runs no code from checkpoints"
NO_LOG = "--disable-log-requests has no effect: what requests say is never logged"
NO_CORS = "has no effect: no CORS headers are sent yet"

COMMANDS = [
    (
        """vllm serve Qwen/Qwen2.5-7B-Instruct \\
        --host 0.0.0.0 \\
        --port 8000 \\
        --served-model-name qwen-7b \\
        --max-model-len 8192 \\
        --gpu-memory-utilization 0.9 \\
        --tensor-parallel-size 1 \\
        --dtype auto \\
        --seed 42 \\
        --enable-prefix-caching \\
        --disable-log-requests \\
        --max-num-seqs 256 \\
        --max-num-batched-tokens 8192""",
        Outcome(
            {
                "model": "Qwen/Qwen2.5-7B-Instruct",
                "served_model_name": ["qwen-7b"],
                "max_model_len": 8192,
                "seed": 42,
                "max_num_seqs": 256,
                "max_num_batched_tokens": 8192,
            },
            told=(NO_LOG,),
        ),
    ),
    (
        "vllm serve Qwen/Qwen2.5-Coder-7B-Instruct --port 8001 --served-model-name qwen-coder",
        Outcome(
            {
                "model": "Qwen/Qwen2.5-Coder-7B-Instruct",
                "port": 8001,
                "served_model_name": ["qwen-coder"],
            }
        ),
    ),
    (
        "vllm serve BAAI/bge-base-zh-v1.5 --task embedding",
        Outcome(ends="--task embedding: models that embed, classify or score are not served yet"),
    ),
    (
        "vllm serve model --api-key YOUR_SECRET_KEY",
        Outcome({"model": "model", "api_key": ["YOUR_SECRET_KEY"]}),
    ),
    (
        "vllm serve model --allowed-origins '[\"*\"]'",
        Outcome({"model": "model"}, told=(f"--allowed-origins {NO_CORS}",)),
    ),
    (f"{OLD_MODULE} --port 8001", Outcome({"port": 8001})),
    (OLD_MODULE, Outcome()),
    (f"{OLD_MODULE} --block-size 16", Outcome()),
    (f"{OLD_MODULE} --block-size 8", Outcome({"block_size": 8})),
    (
        f"{OLD_MODULE} --quantization awq --model facebook/opt-6.7b-awq",
        Outcome(ends="--quantization awq: serve the checkpoint that was not quantized, with"),
    ),
    (
        f"{MODULE} --model meta-llama/Llama-2-7b-chat-hf",
        Outcome({"model": "meta-llama/Llama-2-7b-chat-hf"}),
    ),
    (
        f"""{MODULE} \\
        --model /models/Qwen2-7B-Instruct \\
        --max-model-len 8192 \\
        --gpu-memory-utilization 0.85 \\
        --max-num-seqs 64 \\
        --tensor-parallel-size 1 \\
        --port 8000""",
        Outcome(
            {
                "model": "/models/Qwen2-7B-Instruct",
                "max_model_len": 8192,
                "gpu_memory_utilization": 0.85,
                "max_num_seqs": 64,
            }
        ),
    ),
    (
        f"{MODULE} --model Qwen/Qwen2.5-7B-Instruct --port 8000",
        Outcome({"model": "Qwen/Qwen2.5-7B-Instruct"}),
    ),
    (
        # A compose file's `command`, with the defaults of its ${VARIABLES}.
        """docker run vllm/vllm-openai:latest --model Qwen/Qwen2.5-7B-Instruct
        --tensor-parallel-size 1 --max-model-len 16384 --gpu-memory-utilization 0.92
        --max-num-seqs 128 --scheduler-delay-factor 0.1 --swap-space 4 --trust-remote-code
        --enable-prefix-caching --disable-log-requests""",
        Outcome(
            {
                "model": "Qwen/Qwen2.5-7B-Instruct",
                "max_model_len": 16384,
                "gpu_memory_utilization": 0.92,
                "max_num_seqs": 128,
                "scheduler_delay_factor": 0.1,
            },
            told=(NO_SWAP, NO_CODE, NO_LOG),
        ),
    ),
    (
        f"""{MODULE} \\
        --model meta-llama/Llama-3.1-8b-instruct \\
        --model Qwen/Qwen2.5-7b-instruct \\
        --model mistral/Mistral-7B-Instruct-v0.3 \\
        --port 8000""",
        Outcome(ends="--model twice: one server serves one model; start a second on its own"),
    ),
    (
        # The port's number is missing in the guide.
        f"{MODULE} --model Qwen/Qwen2.5-1.5b-instruct --port  --trust-remote-code",
        Outcome({"model": "Qwen/Qwen2.5-1.5b-instruct"}, told=(NO_CODE,)),
    ),
    (
        """docker run --gpus all -v ~/.cache/huggingface:/root/.cache/huggingface -p 8000:8000
        vllm/vllm-openai:latest --model meta-llama/Llama-3-8B""",
        Outcome({"model": "meta-llama/Llama-3-8B"}),
    ),
    (
        "vllm serve meta-llama/Llama-3-70B --tensor-parallel-size 4 --gpu-memory-utilization 0.9",
        Outcome(ends="--tensor-parallel-size: this version runs a model on one device"),
    ),
    ("vllm serve meta-llama/Llama-3-8B", Outcome({"model": "meta-llama/Llama-3-8B"})),
    (
        """vllm serve meta-llama/Llama-3-8B \\
        --data-parallel-size 4 \\
        --data-parallel-multi-port-external-lb""",
        Outcome(ends="--data-parallel-size: data parallelism is not served yet; start one server"),
    ),
]


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=lambda v: str(v)[:70])
def test_a_command(command: str, expected: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_same(outcome(of_command(command), capsys), expected)


def _assert_same(found: Outcome, expected: Outcome) -> None:
    assert expected.ends in found.ends
    assert bool(expected.ends) == bool(found.ends), found.ends
    assert found.ends.count("\n") <= 2
    assert found.sets == expected.sets
    assert len(found.told) == len(expected.told), found.told
    for notice in expected.told:
        assert any(notice in line for line in found.told), found.told


IN_THE_FILES = Outcome(
    {
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "revision": "main",
        "download_dir": "/data/models",
        "max_model_len": 16384,
        "gpu_memory_utilization": 0.92,
        "max_num_seqs": 128,
        "scheduler_delay_factor": 0.1,
    },
    told=(NO_SWAP, NO_CODE, NO_LOG, "--max-lora-size has no effect: no server knows it"),
)


@pytest.mark.parametrize("name", ["config.yaml", "config.toml"])
def test_a_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_same(outcome(["--config", str(FILES / name)], capsys), IN_THE_FILES)


REAL, INERT, REFUSED = "does what it says", "has no effect", "ends the start"

FLAGS = [
    ("--model m", REAL), ("--tokenizer t", REAL), ("--dtype half", REAL),
    ("--dtype bfloat16", REAL), ("--dtype float16", REAL), ("--dtype float32", REAL),
    ("--trust-remote-code", INERT), ("--revision v1", REAL), ("--download-dir /d", REAL),
    ("--load-format safetensors", REAL), ("--load-format dummy", REAL),
    ("--load-format pt", REFUSED), ("--load-format dtensor", REFUSED),
    ("--load-format sharded_state", REFUSED), ("--tokenizer-mode slow", INERT),
    ("-tp 2", REFUSED), ("--tp 2", REFUSED), ("--tensor-parallel-size 2", REFUSED),
    ("--pipeline-parallel-size 2", REFUSED), ("-pp 2", REFUSED), ("--worker-use-ray", INERT),
    ("--distributed-executor-backend ray", INERT), ("--distributed-executor-backend mp", REAL),
    ("--max-model-len 4096", REAL), ("--max-model-len 8k", REAL),
    ("--gpu-memory-utilization 0.95", REAL), ("--gpu-mem-util 0.85", REAL),
    ("--max-num-seqs 512", REAL), ("--max-num-batched-tokens 32768", REAL),
    ("--scheduler-delay-factor 0.1", REAL), ("--delay-factor 0.1", REAL),
    ("--swap-space 8", INERT), ("--cpu-offload-gb 4", INERT),
    ("--num-gpu-blocks-override 100", REAL), ("--kv-cache-memory-bytes 1GiB", REAL),
    ("--enable-lora", REFUSED), ("--lora-modules a=b", REFUSED), ("--max-loras 2", INERT),
    ("--max-lora-rank 64", INERT), ("--max-lora-size 64", INERT),
    ("--enable-auto-tool-choice", REAL), ("--tool-call-parser hermes", REAL),
    ("--reasoning-parser qwen3", REAL), ("--no-enable-prefix-caching", REAL),
    ("--no-enable-chunked-prefill", REAL), ("--enforce-eager", INERT), ("--seed 42", REAL),
    ("--quantization int8", REAL), ("-q gptq", REFUSED), ("--quantization fp8", REFUSED),
    ("--speculative-model m", INERT), ("--num-speculative-tokens 3", INERT),
    ('--speculative-config {"method":"ngram"}', INERT), ("--spec-method ngram", INERT),
    ("--spec-model m", INERT), ("--spec-tokens 5", INERT),
    ("--task embed", REFUSED), ("--task generate", REAL), ("--runner pooling", REFUSED),
    ("--convert embed", REFUSED), ("--host 127.0.0.1", REAL), ("--port 8001", REAL),
    ("--uds /s", REAL), ("--api-key a b", REAL), ("--allowed-origins *", INERT),
    ("--allow-credentials", INERT), ("--allowed-methods GET", INERT),
    ("--allowed-headers *", INERT), ("--ssl-keyfile k", REFUSED), ("--ssl-certfile c", REFUSED),
    ("--disable-log-requests", INERT), ("--enable-log-requests", INERT),
    ("--rate-limit-interval 60", REFUSED), ("--rate-limit-token 10", REFUSED),
    ("--data-parallel-size 4", REFUSED), ("-dp 2", REFUSED),
    ("--data-parallel-multi-port-external-lb", REFUSED), ("--api-server-count 4", REAL),
    ("--scheduling-policy priority", REAL), ("--max-num-queued-reqs 5", REAL),
    ("--max-num-queued-tokens 5k", REAL), ("--kv-cache-dtype fp8", REFUSED),
    ("--chat-template t", REAL), ("--generation-config vllm", REAL),
    ('--override-generation-config {"temperature":1}', REAL),
    ("--structured-outputs-config {}", INERT), ("--no-async-scheduling", REAL),
    ("--stream-interval 4", REAL), ("--shutdown-timeout 0", REAL),
    ('--limit-mm-per-prompt {"image":2}', INERT), ("--enable-sleep-mode", INERT),
    ("--kv-events-config {}", INERT), ("--kv-transfer-config {}", REFUSED),
    ("--kv-offloading-size 4", INERT), ("--otlp-traces-endpoint http://x", INERT),
    ("--enable-prompt-tokens-details", INERT), ("--enable-request-id-headers", INERT),
    ("--sse-keep-alive-interval 5", INERT), ("--root-path /x", INERT),
    ("--middleware m", REFUSED), ("--max-logprobs 5", REAL),
    ("--logprobs-mode raw_logprobs", REAL), ("--logprobs-mode processed_logits", REFUSED),
    ("--max-log-len 100", INERT), ("--uvicorn-log-level debug", INERT),
    ("--disable-access-log-for-endpoints /health", INERT),
    ("--disable-uvicorn-access-log", REAL), ("--headless", REFUSED), ("--nnodes 2", REFUSED),
    ("--node-rank 1", REFUSED), ("-O0", INERT), ("-O3", INERT),
    ("--performance-mode throughput", INERT), ("--max_model_len 4096", REAL),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), FLAGS, ids=[words for words, _ in FLAGS])
def test_a_flag(words: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = outcome(words.split(), capsys)
    kind = REFUSED if found.ends else INERT if found.told else REAL
    assert (kind, found.ends.count("\n")) == (expected, kind == REFUSED), found
    assert "has no effect" in "".join(found.told) or kind != INERT


VARIABLES = [
    ("VLLM_PORT", "8001", {"port": 8001}),
    ("VLLM_PORT", "tcp://10.0.0.7:8000", {}),
    ("VLLM_API_KEY", "a,b", {"api_key": ["a", "b"]}),
    ("VLLM_CPU_KVCACHE_SPACE", "2", {"kv_cache_memory_bytes": 2 << 30}),
    ("VLLM_LOGGING_LEVEL", "DEBUG", {"log_level": "debug"}),
    ("VLLM_ENGINE_READY_TIMEOUT_S", "60", {"worker_start_timeout_s": 60}),
    ("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "9", {"keep_alive_s": 9}),
    ("VLLM_MAX_STOP_STRINGS", "8", {"max_stop_strings": 8}),
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
        "VLLM_BATCH_INVARIANT",
        "VLLM_USE_RUST_FRONTEND",
    ],
)
def test_a_variable_without_effect(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (notice,) = outcome([], capsys, **{name: "1"}).told
    assert notice.startswith(f"{name} has no effect: ")


@pytest.mark.parametrize("module", ["penstock serve", *MODULES])
def test_each_way_to_start(module: str) -> None:
    words = ["penstock", "serve"] if module == "penstock serve" else [module]
    command = [sys.executable, "-P", "-m", *words, "--enable-lora"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 2
    assert found.stderr.startswith("penstock serve: --enable-lora: adapters are not served yet")
    assert found.stderr.count("\n") == 1


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
