"""A plan for GPUs: what the driver tells, what a rank's weights take, and how the rest is divided."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.checkpoints import EXTRAS, SWITCHES, make_checkpoint

from penstock.explain import estimate as estimates
from penstock.explain.devices import Gpu, parse, torch_knows_gpus, visible
from penstock.explain.weights import Served, rank_weights
from penstock.protocol.settings import EngineSettings
from penstock.supervisor import main
from penstock.workers.host_memory import Memory
from penstock.workers.models.families import read_model_config
from penstock.workers.parallel.part import WHOLE, part_of_rank

GIB = 1 << 30
TOLD = """0, GPU-aa11, NVIDIA L4, 23034, 22000
1, GPU-bb22, NVIDIA L4, 23034, 11000
2, GPU-cc33, Odd, [N/A], [N/A]
a line of another kind
"""
FAMILIES = {family: (family, {}) for family in EXTRAS} | SWITCHES
WIDE = {"hidden_size": 64, "intermediate_size": 96}


def test_the_driver_tells_of_gpus_with_memory_of_their_own() -> None:
    first, second = parse(TOLD)
    assert first == Gpu("0", "GPU-aa11", "NVIDIA L4", Memory(23034 << 20, 22000 << 20))
    assert second.memory.free == 11000 << 20
    assert parse("") == []


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (None, "01"),
        ("1", "1"),
        ("1,0", "10"),
        ("GPU-bb", "1"),
        ("", ""),
        ("-1", ""),
        ("0,9,1", "0"),
    ],
)
def test_the_operator_chooses_among_them(wanted: str | None, numbers: str) -> None:
    environ = {} if wanted is None else {"CUDA_VISIBLE_DEVICES": wanted}
    assert "".join(gpu.number for gpu in visible(parse(TOLD), environ)) == numbers


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("cuda: Optional[str] = None", False),
        ("cuda: Optional[str] = '13.0'", True),
        ('cuda = "12.8"', True),
    ],
)
def test_torch_says_what_it_was_built_for(tmp_path: Path, line: str, known: bool) -> None:
    (tmp_path / "version.py").write_text(f"__version__ = '2.11'\ndebug = False\n{line}\n")
    assert torch_knows_gpus(tmp_path) is known
    assert not torch_knows_gpus(tmp_path / "none")


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_by_layers_are_those_of_the_built_model(tmp_path: Path, name: str) -> None:
    """Each rank's, in stages too."""
    import torch

    from penstock.workers.backend import reference_backend
    from penstock.workers.models.decoder import DecoderModel
    from penstock.workers.parallel.company import Company

    family, extras = FAMILIES[name]
    make_checkpoint(tmp_path, family, **extras)
    config = read_model_config(tmp_path)
    for tensor, stages in ((1, 1), (1, 3), (2, 1)) if config.num_kv_heads > 1 else ((1, 3),):
        for rank in range(tensor * stages):
            part = part_of_rank(rank, tensor, stages)
            with torch.device("meta"):
                model = DecoderModel(config, reference_backend(), Company(part))
            found = rank_weights(config, part, Served(2))
            layers = [2 * sum(p.numel() for p in layer.parameters()) for layer in model.layers]
            assert found.layers == layers
            assert found.total == 2 * sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("family", ["llama", "mixtral", "qwen2_moe"])
@pytest.mark.parametrize("quantization", ["int8", "int4", "fp8"])
def test_so_are_rounded_ones(tmp_path: Path, family: str, quantization: Any) -> None:
    import torch

    from penstock.workers.host_copies.away import resident_bytes
    from penstock.workers.weights.loader import load_model

    extras = {"qwen2_moe": {"moe_intermediate_size": 32, "shared_expert_intermediate_size": 64}}
    make_checkpoint(tmp_path, family, **WIDE, **extras.get(family, {}))
    model = load_model(
        tmp_path, dtype=None, device=torch.device("cpu"), progress=lambda *_: None,
        quantization=quantization,
    )  # fmt: skip
    found = rank_weights(read_model_config(tmp_path), WHOLE, Served(4, quantization))
    assert found.total == resident_bytes(model)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[Gpu]:
    """Two of 24 GiB, of the second of which much is taken."""
    found = [
        Gpu(str(i), f"GPU-{i}", "Pretended 24", Memory(24 * GIB, free * GIB))
        for i, free in enumerate((23, 13))
    ]
    monkeypatch.setattr(estimates, "usable_gpus", lambda: found)
    return found


def explained(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["--explain", "json", "--port", "0", *argv]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_gpu_that_is_there_is_planned_for(
    gpus: list[Gpu], capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys)
    memory, batching, compute = found["memory"], found["batching"], found["compute"]
    assert compute["device"] == {"value": "cuda", "source": "machine"}
    assert compute["kernels"]["value"] == "Triton"
    assert batching["sequences in a step"] == {"value": 256, "source": "default for a cuda"}
    assert batching["tokens in a step"]["value"] == 8192
    parts = (
        "weights, of a rank",
        "largest step, at least",
        "CUDA graphs, at least",
        "KV cache, when full",
    )
    planned = sum(memory[part]["value"] for part in parts)
    assert 0.9 * 24 * GIB - GIB - (1 << 20) < planned <= 0.9 * 24 * GIB - GIB
    assert memory["to swap through"]["value"] == 0
    assert memory["worker, besides"]["value"] is None


def test_the_cpu_is_planned_for_where_it_is_asked_for(
    gpus: list[Gpu], capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys, "--device", "cpu", "--kv-cache-memory-bytes", "64MiB")
    assert found["compute"]["device"] == {"value": "cpu", "source": "--device"}
    assert found["batching"]["tokens in a step"]["value"] == 2048


def test_the_rank_with_the_least_room_decides(
    gpus: list[Gpu], capsys: pytest.CaptureFixture[str]
) -> None:
    alone, two = explained(capsys), explained(capsys, "--tensor-parallel-size", "2")
    assert two["memory"]["available now, on the GPU"]["value"] == 13 * GIB
    rooms = [
        found["batching"]["KV blocks"]["value"] * found["batching"]["KV bytes per token"]["value"]
        for found in (alone, two)
    ]
    assert 16 * (rooms[0] - rooms[1]) == pytest.approx(10 * GIB, rel=0.01)


def test_what_costs_a_gpu_memory_costs_the_planned_cache_some(
    gpus: list[Gpu], capsys: pytest.CaptureFixture[str]
) -> None:
    def cache(*argv: str) -> int:
        found: int = explained(capsys, *argv)["memory"]["KV cache, when full"]["value"]
        return found

    plain = cache()
    assert cache("--enforce-eager") > plain
    assert plain - (128 << 20) - 65536 < cache("--swap-space", "1") <= plain - (128 << 20) + 65536
    assert cache("--quantization", "int8") > plain
    assert cache("--cpu-offload-gb", "0.001") > plain


def test_weights_that_are_away_are_told(
    gpus: list[Gpu], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = explained(capsys)["memory"]
    memory = explained(capsys, "--cpu-offload-gb", "0.001", "--quantization", "int8")["memory"]
    rounded = explained(capsys, "--quantization", "int8")["memory"]
    assert plain["weights on the host, of a rank"]["value"] == 0
    away = memory["weights on the host, of a rank"]
    assert away["source"] == "--cpu-offload-gb"
    spared = rounded["weights, of a rank"]["value"] - memory["weights, of a rank"]["value"]
    assert 0.001 * GIB <= spared < away["value"]


def test_fp8_is_for_gpus(gpus: list[Gpu], capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(capsys, "--quantization", "fp8", "--kv-cache-dtype", "fp8")
    assert found["batching"]["KV cache type"]["value"] == "float8_e4m3fn"
    assert found["model"]["quantization"]["value"] == "fp8"


def test_what_a_gpu_refuses_is_refused(
    gpus: list[Gpu], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_checkpoint(tmp_path, "llama")
    argv = ["--explain", "--port", "0", str(tmp_path), "--quantization", "int8"]
    assert main([*argv, "--tensor-parallel-size", "2"]) == 2
    assert "is not a multiple of 32: (32, 16, 24)" in caplog.text


def test_a_gpu_that_is_not_there_can_be_planned_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(estimates, "usable_gpus", list)
    assert main(["--explain", "--port", "0", "--device", "cuda"]) == 2
    assert "--device cuda: there is no CUDA device here" in caplog.text
    assert "--kv-cache-memory-bytes" in caplog.text
    found = explained(capsys, "--device", "cuda", "--kv-cache-memory-bytes", "1GiB")
    assert found["compute"]["device"] == {"value": "cuda", "source": "--device"}
    assert found["memory"]["available now, on the GPU"]["value"] is None
    assert found["memory"]["KV cache, when full"]["value"] == pytest.approx(GIB, rel=0.001)


def test_without_gpus_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "usable_gpus", list)
    found = estimates.estimate(EngineSettings())
    assert found.hello.device == "cpu"
    assert not found.ranks
