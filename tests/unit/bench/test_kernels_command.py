"""`penstock bench kernels`: its flags, what it says without a GPU, and a tiny run in Triton's interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from penstock.bench.commands import main
from penstock.bench.kernels.models import LOADS, REAL, TINY_LOADS
from penstock.bench.kernels.settings import parse
from penstock.bench.kernels.table import OPS
from penstock.protocol.errors import SettingsError

ROOT = Path(__file__).parents[3]
ONLY_FOR_SERVERS = (
    "aiohttp", "jinja2", "llguidance", "msgspec", "prometheus_client", "safetensors",
    "tokenizers", "transformers", "uvloop", "yaml", "zmq",
)  # fmt: skip
RUN = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))
from penstock.cli import main
sys.exit(main({argv!r}))
"""
IMPORT_ALL = """
import os, sys, warnings
os.environ["TRITON_INTERPRET"] = "0"
warnings.simplefilter("ignore")  # torch's, that there is no numpy
sys.modules.update(dict.fromkeys({missing!r}))
import penstock.bench.kernels.course
from penstock.bench.kernels.table import OPS
for op in OPS.values():
    op.resolve()
"""
BESIDE_TORCH = {
    "attention_decode",
    "attention_prefill",
    "linear_e4m3",
    "linear_int4",
    "linear_int8",
    "rms_norm",
    "sample_greedy",
}


def python(code: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: Triton is told once in a process whether to interpret."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, env=environ
    )


def run(
    *argv: str, missing: tuple[str, ...] = ONLY_FOR_SERVERS
) -> subprocess.CompletedProcess[str]:
    return python(RUN.format(missing=missing, argv=["bench", "kernels", *argv]))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_gpu_it_says_what_to_do() -> None:
    found = run()
    assert found.returncode == 1
    assert found.stdout == ""
    [line] = found.stderr.splitlines()
    assert "a machine with an NVIDIA GPU" in line
    assert "--interpret" in line


def test_it_needs_no_more_than_torch_and_triton() -> None:
    """On a GPU not even numpy, which the interpreter needs."""
    pytest.importorskip("triton")
    missing = (*ONLY_FOR_SERVERS, "numpy")
    found = python(IMPORT_ALL.format(missing=missing))
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
def test_a_tiny_run_is_interpreted(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    path = tmp_path / "figures.json"
    found = run("--interpret", "--json", str(path))
    assert found.returncode == 0, found.stdout + found.stderr
    assert "The times mean nothing" in found.stdout
    assert "%" not in found.stdout
    told = json.loads(path.read_text())
    assert told["interpreted"] is True
    assert told["ceilings"] is None
    assert {one["kernel"] for one in told["results"]} == set(OPS)
    assert not [one for one in told["results"] if one["error"] or "memory_share" in one]
    assert {one["kernel"] for one in told["results"] if one["torch_median_s"]} == BESIDE_TORCH


def test_help_names_every_kernel_and_loads_no_torch() -> None:
    found = run("--help", missing=("torch", *ONLY_FOR_SERVERS))
    assert found.returncode == 0, found.stderr
    assert not [name for name in OPS if name not in found.stdout]


def test_everything_unless_asked() -> None:
    plan = parse([])
    assert (plan.ops, plan.shapes, plan.loads) == (tuple(OPS), REAL, LOADS)
    interpreted = parse(["--interpret"])
    assert (interpreted.shapes, interpreted.loads) == (("tiny",), TINY_LOADS)


def test_a_part_is_chosen_by_names_and_sizes() -> None:
    plan = parse(["--only", "top,attention_d", "--shapes", "Mixtral-8x7B", "--batches", "7,128"])
    assert plan.ops == ("attention_decode", "attention_decode_fp8", "top_logprobs")
    assert plan.shapes == ("mixtral-8x7b",)
    assert plan.loads.batches == (7, 128)
    assert plan.loads.contexts == LOADS.contexts


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--only", "norm"], "--only norm: no kernel begins so; there are attention_decode"),
        (["--shapes", "gpt-2"], "--shapes gpt-2: unknown; there are llama-3-8b"),
        (["--interpret", "--shapes", "llama-3-8b"], "it takes tiny"),
        (
            ["--json", "/nowhere/at/all.json"],
            "--json /nowhere/at/all.json: its folder is not there",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError, match=told.split(":")[0]):
        parse(argv)
    assert main(["kernels", *argv]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("sizes", ["0", "-1", "many", "1,,2", "2000000"])
def test_sizes_have_bounds(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse([f"--batches={sizes}"])
    assert "--batches" in capsys.readouterr().err
