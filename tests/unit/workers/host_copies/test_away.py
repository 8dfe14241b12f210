"""A decoder some of whose layers are away computes what it did at home, and never had all of them on the device."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.paged_run import CPU, PagedRun
from support.tiny_decoder import VARIANTS, VOCAB_SIZE, write_tiny_model

from penstock.protocol.errors import SettingsError
from penstock.workers.backend import reference_backend
from penstock.workers.host_copies.away import NOTHING, Away, resident_bytes
from penstock.workers.host_copies.queues import CpuQueues
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.parallel.company import NOBODY
from penstock.workers.quantization import Quantization
from penstock.workers.weights.loader import OpenModel, materialize, open_model
from penstock.workers.weights.loader import _give_memory as give_memory
from penstock.workers.weights.loader import _shapes as shapes
from penstock.workers.weights.quantize import quantize

NUM_LAYERS = 6
QUANTIZATIONS: tuple[Quantization, ...] = ("int8", "int4", "fp8")
WIDE = {"hidden_size": 64, "intermediate_size": 96, "head_dim": 16}
PROMPTS = [[(7 * i + j) % VOCAB_SIZE for j in range(9 + i)] for i in range(3)]


def opened(folder: Path, **variant: Any) -> OpenModel:
    write_tiny_model(folder, **{"num_hidden_layers": NUM_LAYERS, **variant})
    return open_model(folder, dtype=torch.float32, load_format="dummy", seed=5)


def loaded(
    found: OpenModel, away: Away = NOTHING, quantization: Quantization | None = None
) -> DecoderModel:
    return materialize(found, CPU, None, lambda *_: None, away=away, quantization=quantization)


def layer_bytes(found: OpenModel) -> int:
    names = [name for name in found.parts if name.startswith("layers.0.")]
    return sum(part.nbytes for name in names for part in found.parts[name])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_logits_are_the_same_to_the_last_bit(variant: str, tmp_path: Path) -> None:
    found = opened(tmp_path, **VARIANTS[variant])
    at_home, away = loaded(found), loaded(found, Away(1 << 40, CpuQueues()))
    assert len({weight.data_ptr() for weight in away.layers.parameters()}) < len(
        [*away.layers.parameters()]
    ), "layers take turns in an area"
    expected = PagedRun(at_home, PROMPTS).at_random(3, longest=5)
    for logits, truth in zip(
        PagedRun(away, PROMPTS).at_random(3, longest=5), expected, strict=True
    ):
        assert torch.equal(logits, truth)


@pytest.mark.parametrize("variant", ["llama", "experts"])
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_rounded_weights_give_the_same_bits_from_afar(
    variant: str, quantization: Quantization, tmp_path: Path
) -> None:
    found = opened(tmp_path, **VARIANTS[variant], **WIDE)
    at_home = loaded(found, quantization=quantization)
    away = loaded(found, Away(1 << 40, CpuQueues()), quantization)
    assert resident_bytes(away) < 0.6 * resident_bytes(at_home)
    for own, there in zip(at_home.buffers(), away.buffers(), strict=True):
        assert own.stride() == there.stride(), "laid out as kernels read them"
    expected = PagedRun(at_home, PROMPTS).whole()
    for logits, truth in zip(PagedRun(away, PROMPTS).whole(), expected, strict=True):
        assert torch.equal(logits, truth)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_so_many_bytes_less_of_rounded_weights(quantization: Quantization, tmp_path: Path) -> None:
    """Counted in the bytes that they take, not in those of the checkpoint."""
    found = opened(tmp_path, **WIDE)
    model = loaded(found, quantization=quantization)
    one = sum(
        weight.nbytes for weight in (*model.layers[0].parameters(), *model.layers[0].buffers())
    )
    whole = resident_bytes(model)
    for num_layers in (1, 2):
        rest = resident_bytes(loaded(found, Away(num_layers * one, CpuQueues()), quantization))
        assert whole - (num_layers + 1) * one < rest <= whole - num_layers * one + 6000


def test_rounded_layers_that_are_away_are_kept_beside_the_device(tmp_path: Path) -> None:
    """And rounded on it."""
    model = shapes(opened(tmp_path, **WIDE).config, reference_backend(), NOBODY)
    quantize(model, "int8")
    give_memory(model, torch.float32, torch.device("meta"), on_host=[1])
    for index, home in ((0, "meta"), (1, "cpu")):
        matrix = model.layers[index].attention.qkv.quantized
        assert (matrix._device.type, matrix._home.type) == ("meta", home)


def test_the_device_holds_so_many_bytes_less(tmp_path: Path) -> None:
    found = opened(tmp_path)
    one = layer_bytes(found)
    whole = resident_bytes(loaded(found))
    assert whole == found.nbytes()
    for num_layers in (1, 2, 4):
        rest = resident_bytes(loaded(found, Away(num_layers * one, CpuQueues())))
        assert rest <= whole - num_layers * one + 4096, "but for the gaps between weights"


def test_layers_that_are_away_are_loaded_beside_the_device(tmp_path: Path) -> None:
    model = shapes(opened(tmp_path).config, reference_backend(), NOBODY)
    give_memory(model, torch.float32, torch.device("meta"), on_host=[1, 4])
    kinds = [{weight.device.type for weight in layer.parameters()} for layer in model.layers]
    assert kinds == [{"meta"}, {"cpu"}, {"meta"}, {"meta"}, {"cpu"}, {"meta"}]
    assert model.embed.weight.device.type == "meta"


def test_host_memory_that_cannot_be_had_names_the_flag(tmp_path: Path) -> None:
    class Poor(CpuQueues):
        def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
            raise MemoryError("the system would not page-lock 3 bytes")

    with pytest.raises(SettingsError, match=r"--cpu-offload-gb: .* 3 bytes; lower it"):
        loaded(opened(tmp_path), Away(1 << 40, Poor()))
