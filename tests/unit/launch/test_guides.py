"""Every command and file that guides to vLLM show, `vllm` replaced by `penstock`: what comes of each.

What needs a server that runs (requests, snippets) is tested with one; here nothing is started.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.outcomes import Outcome, outcome

FILES = Path(__file__).parent / "guides"


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
NO_CODE = "--trust-remote-code has no effect: Penstock runs no code from checkpoints"

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
        Outcome({"model": "model", "allowed_origins": ["*"]}),
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
                "swap_space": 4.0,
            },
            told=(NO_CODE,),
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
        Outcome({"model": "meta-llama/Llama-3-70B", "tensor_parallel_size": 4}),
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
        "swap_space": 4.0,
    },
    told=(NO_CODE, "--max-lora-size has no effect: no server knows it"),
)


@pytest.mark.parametrize("name", ["config.yaml", "config.toml"])
def test_a_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_same(outcome(["--config", str(FILES / name)], capsys), IN_THE_FILES)


@pytest.mark.parametrize("module", ["penstock serve", *MODULES])
def test_each_way_to_start(module: str) -> None:
    words = ["penstock", "serve"] if module == "penstock serve" else [module]
    command = [sys.executable, "-P", "-m", *words, "--enable-lora"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert found.returncode == 2
    assert found.stderr.startswith("penstock serve: --enable-lora: adapters are not served yet")
    assert found.stderr.count("\n") == 1
