"""A checkpoint's tensors, gathered by the parameter they belong to. Knows no family and no maths.

They stay in the mapped files: a part costs memory only where somebody reads it. Whoever packs weights reads the parts
themselves; whoever wants whole parameters fills them, see fill.py.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from penstock.protocol.errors import ModelError
from penstock.workers.models.place import Place
from penstock.workers.parallel.cut import Cut
from penstock.workers.weights.checkpoint import Checkpoint

Parts = Mapping[str, list[torch.Tensor]]
"""Of each parameter, in the order of its rows; in the checkpoint's dtype."""

_SHOWN = 8


def open_parts(
    model_dir: Path,
    shapes: Mapping[str, torch.Size],
    places: Mapping[str, Place],
    spare: frozenset[str],
    cut: Cut,
) -> Parts:
    """What `cut` leaves of each. Every place gets its tensor and none but `spare` ones is left over, or ModelError."""
    wanted = {name: place for name, place in places.items() if place.parameter in shapes}
    checkpoint = Checkpoint(model_dir)
    _compare(model_dir, checkpoint.names() - spare, wanted.keys())
    names = {name: own for name in shapes if (own := cut.name(name)) is not None}
    found: dict[str, dict[int, torch.Tensor]] = {own: {} for own in names.values()}
    for name, tensor in checkpoint.tensors():
        if place := wanted.get(name):
            _check_shape(name, tensor, place, shapes[place.parameter])
            if own := names.get(place.parameter):
                found[own] |= cut.pieces(place.parameter, place.start, tensor)
    return {own: [pieces[start] for start in sorted(pieces)] for own, pieces in found.items()}


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


def _check_shape(name: str, tensor: torch.Tensor, place: Place, shape: torch.Size) -> None:
    expected = (place.length, *shape[1:])
    if tensor.shape != expected:
        raise ModelError(
            f"tensor {name!r} has shape {list(tensor.shape)}; config.json asks for {list(expected)}"
        )
