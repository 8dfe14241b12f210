"""Copies a checkpoint's tensors into a model's parameters, each once. Knows no family and no maths."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import nn

from penstock.protocol.errors import ModelError
from penstock.workers.models.place import Place
from penstock.workers.weights.checkpoint import Checkpoint

_SHOWN = 8


def fill(
    model: nn.Module,
    model_dir: Path,
    places: Mapping[str, Place],
    spare: frozenset[str],
    progress: Callable[[str, float], None],
) -> None:
    """Every place gets its tensor and none but `spare` ones is left over, or ModelError."""
    parameters = dict(model.named_parameters())
    wanted = {name: place for name, place in places.items() if place.parameter in parameters}
    checkpoint = Checkpoint(model_dir)
    _compare(model_dir, checkpoint.names() - spare, wanted.keys())
    total_bytes = sum(parameter.nbytes for parameter in parameters.values())
    done_bytes = 0
    for name, tensor in checkpoint.tensors():
        if name in wanted:
            done_bytes += _copy(name, tensor, parameters, wanted[name])
            progress("weights", done_bytes / total_bytes)
    assert done_bytes >= total_bytes, "a place map leaves rows of a parameter unfilled"


def _compare(model_dir: Path, found: Iterable[str], wanted: Iterable[str]) -> None:
    missing = set(wanted) - set(found)
    unexpected = {name for name in set(found) - set(wanted) if not _is_buffer(name)}
    complaints = [
        f"{problem}: {_some(names)}"
        for problem, names in (("missing tensors", missing), ("unexpected tensors", unexpected))
        if names
    ]
    if complaints:
        raise ModelError(f"{model_dir} does not fit its config.json; " + "; ".join(complaints))


def _is_buffer(name: str) -> bool:
    """Old checkpoints carry rope's frequencies, which config.json defines."""
    return name.endswith("rotary_emb.inv_freq")


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _copy(
    name: str, tensor: torch.Tensor, parameters: Mapping[str, nn.Parameter], place: Place
) -> int:
    rows = parameters[place.parameter].data.narrow(0, place.start, place.length)
    if tensor.shape != rows.shape:
        raise ModelError(
            f"tensor {name!r} has shape {list(tensor.shape)}; config.json asks for {list(rows.shape)}"
        )
    rows.copy_(tensor)
    return rows.nbytes
