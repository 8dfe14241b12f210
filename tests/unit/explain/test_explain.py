"""`penstock serve --explain` says what would be, why, and refuses what serve would refuse."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.explain.estimate import estimate
from penstock.explain.kernels import describe_kernels
from penstock.protocol.errors import ModelError
from penstock.protocol.settings import EngineSettings
from penstock.supervisor import main
from penstock.workers.model_config import ExpertsConfig, ModelConfig

FIXED = ["--port", "0", "--kv-cache-memory-bytes", "64MiB"]


def explained(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["--explain", "json", *FIXED, *argv]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["schema"] == "penstock-plan/1"
    return found


def test_the_plan_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(capsys, "--max-model-len", "1000")
    batching, memory = found["batching"], found["memory"]
    per_token = 2 * 6 * 128 * 2  # keys and values, 6 layers, 2 heads of 64, two bytes
    assert batching["KV bytes per token"]["value"] == per_token
    num_blocks = (64 << 20) // (16 * per_token)
    assert batching["KV blocks"]["value"] == num_blocks
    assert batching["tokens that fit"]["value"] == 16 * num_blocks
    assert batching["requests of full length that fit"]["value"] == num_blocks // 63
    assert memory["weights"]["value"] == 2 * found["model"]["parameters"]["value"]
    parts = ("weights", "worker, besides", "engine core", "front ends")
    total = sum(memory[part]["value"] for part in parts)
    assert memory["all, before a request"]["value"] == total
    assert memory["all, KV cache full"]["value"] == total + num_blocks * 16 * per_token
    assert memory["swap space, when full"]["value"] == 0


def test_swap_space_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    row = explained(capsys, "--swap-space", "0.125")["memory"]["swap space, when full"]
    block_bytes = 16 * 2 * 6 * 128 * 2
    assert (1 << 27) - block_bytes < row["value"] <= 1 << 27
    assert row["source"] == "--swap-space"


def test_sequences_that_tokens_leave_no_room_for_are_put_down_to_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ["--max-num-seqs", "4", "--max-num-batched-tokens", "2"]
    assert explained(capsys, *flags)["batching"]["sequences in a step"] == {
        "value": 2,
        "source": "--max-num-batched-tokens: a token for each",
    }


def test_each_value_tells_where_it_came_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("max-num-seqs: 4\nblock-size: 32\n")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = explained(capsys, "brook", "--config", str(config), "--block-size", "64")
    batching, compute = found["batching"], found["compute"]
    assert found["model"]["model"] == {"value": "brook", "source": "MODEL"}
    assert found["model"]["dtype"] == {"value": "bfloat16", "source": "model"}
    assert batching["sequences in a step"] == {"value": 4, "source": f"--config {config}"}
    assert batching["block size"] == {"value": 64, "source": "--block-size"}
    assert batching["context length"] == {"value": 2048, "source": "model"}
    assert batching["KV blocks"]["source"] == "--kv-cache-memory-bytes"
    assert batching["tokens in a step"]["source"] == "default for a cpu"
    assert compute["threads"] == {"value": 3, "source": "variable OMP_NUM_THREADS"}
    assert found["limits"]["stop strings"] == {"value": 4, "source": "default"}


def test_a_cache_too_small_for_the_model_bounds_the_context(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = explained(capsys, "--kv-cache-memory-bytes", "1MiB")
    length = found["batching"]["context length"]
    assert length == {"value": 336, "source": "memory: what the KV cache holds"}


def test_a_cache_of_8_bits_holds_twice_the_tokens_on_torch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain, coarse = (explained(capsys, "--kv-cache-dtype", name) for name in ("auto", "fp8"))
    for found, dtype in ((plain, "bfloat16"), (coarse, "float8_e4m3fn")):
        assert found["batching"]["KV cache type"]["value"] == dtype
    tokens = [found["batching"]["tokens that fit"]["value"] for found in (plain, coarse)]
    assert tokens[1] == pytest.approx(2 * tokens[0], abs=16)
    assert coarse["batching"]["KV cache type"]["source"] == "--kv-cache-dtype"
    kernels = coarse["compute"]["kernels"]["value"]
    assert kernels.startswith("torch, several times slower than native ones: --kv-cache-dtype fp8")


def test_who_makes_answers_independent_of_company(
    capsys: pytest.CaptureFixture[str],
) -> None:
    native = explained(capsys)["compute"]["batch invariant"]
    assert native == {"value": True, "source": "native kernels"}
    plain = explained(capsys, "--cpu-kernels", "reference")["compute"]["batch invariant"]
    assert plain == {"value": False, "source": "default"}
    asked = explained(capsys, "--cpu-kernels", "reference", "--batch-invariant")
    assert asked["compute"]["batch invariant"] == {"value": True, "source": "--batch-invariant"}


@pytest.mark.parametrize(
    "argv", [["--explain"], ["--explain", "brook"], ["brook", "--explain"], ["--explain=text"]]
)
def test_the_flag_alone_prints_text(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*argv, *FIXED]) == 0
    told = capsys.readouterr().out
    assert "context length" in told
    assert "http://0.0.0.0:0" in told
    assert all(line.endswith("]") for line in told.splitlines() if line.startswith("  "))


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--max-model-len", "4096"], "--max-model-len 4096: the checkpoint supports 2048 tokens"),
        (["--kv-cache-memory-bytes", "9"], "no memory is left for the KV cache"),
        (["/no/such/model"], "/no/such/model: no such model folder"),
        (["--endpoint", "udp://x"], "--endpoint udp://x: expected ipc:///path or tcp://host:port"),
        (["--cpu-kernels", "native", "--dtype", "half"], "--cpu-kernels native is not possible"),
        (
            ["--cpu-kernels", "native", "--kv-cache-dtype", "fp8"],
            "--cpu-kernels native is not possible here: --kv-cache-dtype fp8: they keep",
        ),
        (["--quantization", "fp8"], "--quantization fp8 is not possible here: native CPU kernels"),
        (
            ["--quantization", "int4", "--dtype", "half"],
            "--quantization int4 is not possible here: they know bfloat16 and float32, not float16",
        ),
        (
            ["--kv-cache-dtype", "float16"],
            "--kv-cache-dtype float16: the model is served in bfloat16",
        ),
    ],
)
def test_what_serve_refuses_is_refused(
    argv: list[str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--explain", "--port", "0", *argv]) == 2
    assert named in caplog.text


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--explain=xml"], "--explain: Invalid enum value 'xml' (one of json, text)"),
        (["--explain", "--block-size", "7"], "--block-size: "),
        (["--explain", "--max-num-seq-s", "7"], "unknown setting --max-num-seq-s"),
    ],
)
def test_bad_flags_end_it_as_they_end_serve(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_a_port_in_use_is_told_with_the_plan(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert main(["--explain", "--host", "127.0.0.1", "--port", port]) == 0
    assert "context length" in capsys.readouterr().out
    assert "now it would not start" in caplog.text


def test_it_loads_no_torch_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import sys; from penstock.cli import main; status = main(['serve', '--explain']);"
        "print(status, 'torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        timeout=240,
        env={"PATH": "", "XDG_RUNTIME_DIR": str(tmp_path), "PENSTOCK_LOG_LEVEL": "error"}
        | {"PYTHONPATH": ":".join(sys.path)},
    )
    assert found.stderr.split() == ["0", "False", "False"]
    assert not list(tmp_path.iterdir())


def kernels(dtype: str, config: ModelConfig | None = None, **settings: Any) -> str:
    asked = EngineSettings(**settings)
    return describe_kernels(asked, config or estimate(asked).config, dtype)


def test_without_a_compiler_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/no/such/compiler")
    assert kernels("bfloat16").startswith("torch, several times slower")
    assert kernels("bfloat16", cpu_kernels="reference") == "torch"
    with pytest.raises(ModelError, match="CXX"):
        kernels("bfloat16", cpu_kernels="native")
    with pytest.raises(ModelError, match=r"--quantization int8 is not possible here: .*CXX"):
        kernels("bfloat16", quantization="int8")


def test_the_model_decides_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", sys.executable)
    brook = estimate(EngineSettings()).config
    assert kernels("float32").startswith("native")
    assert "not a multiple of 16" in kernels("float32", block_size=8)
    assert kernels("bfloat16", tensor_parallel_size=2).startswith("torch: ")
    wide = replace(brook, head_dim=2048)
    assert "a head of 2048 is larger" in kernels("bfloat16", wide)
    odd = replace(brook, intermediate_size=brook.intermediate_size + 2)
    assert kernels("bfloat16", odd).startswith("native")
    with pytest.raises(ModelError, match=r"--quantization int4 .* not a multiple of 32"):
        kernels("bfloat16", odd, quantization="int4")


def test_experts_have_native_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", sys.executable)
    brook = estimate(EngineSettings()).config
    experts = ExpertsConfig(
        num_experts=8, num_chosen=2, width=96, normalizes=True, layers=(True,) * brook.num_layers
    )
    sparse = replace(brook, experts=experts)
    assert kernels("bfloat16", sparse, quantization="int8").startswith("native")
    odd = replace(sparse, experts=replace(experts, width=95))
    assert "a width of the model is odd" in kernels("bfloat16", odd)
