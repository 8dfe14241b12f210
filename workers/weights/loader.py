"""Builds a decoder from a model directory. Knows no requests and no cache."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from penstock.workers.backend import Backend, backend_on, reference_backend
from penstock.workers.host_copies.away import NOTHING, Away
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.models.families import FAMILIES, read_model_config
from penstock.workers.models.family import places, spare_names
from penstock.workers.models.quantized_matrix import QuantizedMatrix
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.parallel.cut import Cut
from penstock.workers.parallel.part import WHOLE, Part
from penstock.workers.quantization import Quantization
from penstock.workers.weights.dummy import fill_with_noise
from penstock.workers.weights.fill import fill
from penstock.workers.weights.parts import Parts, open_parts
from penstock.workers.weights.quantize import quantize

LoadFormat = Literal["auto", "safetensors", "dummy"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A checkpoint whose weights have been found and checked, but not read."""

    config: ModelConfig
    """Of the whole model."""
    dtype: torch.dtype
    """To be served in; the parts may have another."""
    parts: Parts
    """Of what this rank holds."""

    def nbytes(self) -> int:
        """Once they are read, in the dtype that is served."""
        return (
            sum(part.numel() for parts in self.parts.values() for part in parts)
            * self.dtype.itemsize
        )


def open_model(
    model_dir: Path,
    *,
    dtype: torch.dtype | None,
    load_format: LoadFormat = "auto",
    seed: int = 0,
    part: Part = WHOLE,
) -> OpenModel:
    """`dtype` None is the checkpoint's; `dummy` needs only config.json and draws weights from `seed`."""
    config = read_model_config(model_dir)
    served: torch.dtype = dtype or getattr(torch, config.dtype)
    if load_format == "dummy":
        return OpenModel(config, served, _noise(config, served, seed, part))
    model = _shapes(config, reference_backend(), NOBODY)
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    all_places = places(FAMILIES[config.architecture], config)
    spare, cut = spare_names(config), Cut(part, config)
    return OpenModel(config, served, open_parts(model_dir, shapes, all_places, spare, cut))


def materialize(
    opened: OpenModel,
    device: torch.device,
    max_model_len: int | None,
    progress: Progress,
    company: Company = NOBODY,
    backend: Backend | None = None,
    away: Away = NOTHING,
    quantization: Quantization | None = None,
) -> DecoderModel:
    """`max_model_len` is the longest context to be served, where known already: see rope.py.

    `backend` is by default that of the device; `away` is what is to lie beside it. Raises ModelError where the model
    cannot be rounded so.
    """
    backend = backend or backend_on(device)
    model = _shapes(opened.config, backend, company)
    if quantization is not None:
        quantize(model, quantization)
    chosen = away.choose(model, opened.dtype)
    _give_memory(model, opened.dtype, device, chosen)
    fill(model, opened.parts, progress)
    if chosen:
        away.move(model, chosen)
    model.use_max_model_len(max_model_len or opened.config.max_position)
    progress("weights", 1.0)
    return model.eval()


def load_model(
    model_dir: Path,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    load_format: LoadFormat = "auto",
    seed: int = 0,
    max_model_len: int | None = None,
    progress: Progress,
    backend: Backend | None = None,
    quantization: Quantization | None = None,
) -> DecoderModel:
    """Both at once."""
    opened = open_model(model_dir, dtype=dtype, load_format=load_format, seed=seed)
    return materialize(
        opened, device, max_model_len, progress, backend=backend, quantization=quantization
    )


def _noise(config: ModelConfig, dtype: torch.dtype, seed: int, part: Part) -> Parts:
    """Ranks draw different noise: it is not the model of a single rank."""
    model = _shapes(config, reference_backend(), Company(part))
    _give_memory(model, dtype, torch.device("cpu"))
    fill_with_noise(model, seed + part.stage * part.size + part.rank)
    return parts_of(model)


def parts_of(model: nn.Module) -> Parts:
    """Of a model that is whole."""
    return {name: [parameter.data] for name, parameter in model.named_parameters()}


def _shapes(config: ModelConfig, backend: Backend, company: Company) -> DecoderModel:
    with torch.device("meta"):
        return DecoderModel(config, backend, company)


def _give_memory(
    model: DecoderModel, dtype: torch.dtype, device: torch.device, on_host: Collection[int] = ()
) -> None:
    """Shapes first, on the meta device, so that memory is taken once and in the final dtype.

    `Module.to_empty` would do the same and import half a second of symbolic algebra on the way.
    """
    host_modules = {module for index in on_host for module in model.layers[index].modules()}
    for module in model.modules():
        place = torch.device("cpu") if module in host_modules else device
        if isinstance(module, QuantizedMatrix):
            module.settle(dtype, device, place)
        for name, shape in [(n, p.shape) for n, p in module.named_parameters(recurse=False)]:
            empty = torch.empty(shape, dtype=dtype, device=place)
            setattr(module, name, nn.Parameter(empty, requires_grad=False))
