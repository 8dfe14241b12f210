"""The safetensors files of a model directory. Knows their tensors' names, not where those go."""

import json
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from penstock.protocol.errors import ModelError

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


class Checkpoint:
    """Files are mapped, never read whole: a tensor costs memory only where it is copied to."""

    def __init__(self, model_dir: Path) -> None:
        self._names = {path: _names(path) for path in _files(model_dir)}

    def names(self) -> set[str]:
        return {name for names in self._names.values() for name in names}

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        yield from self.pick(self.names())

    def pick(self, wanted: Set[str]) -> Iterator[tuple[str, torch.Tensor]]:
        """Opens no file that has none of them."""
        for path, all_names in self._names.items():
            names = [name for name in all_names if name in wanted]
            if not names:
                continue
            with _refusing(path), safe_open(path, framework="pt") as file:
                for name in names:
                    yield name, file.get_tensor(name)


def _files(model_dir: Path) -> list[Path]:
    index = model_dir / _INDEX
    if index.exists():
        return [model_dir / name for name in _indexed(index)]
    if (model_dir / _SINGLE).exists():
        return [model_dir / _SINGLE]
    raise ModelError(
        f"{model_dir} holds neither {_SINGLE} nor {_INDEX}; other formats must be converted first"
    )


def _indexed(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is not an index of safetensors files: {error!r}") from error


def _names(path: Path) -> list[str]:
    with _refusing(path), safe_open(path, framework="pt") as file:
        return list(file.keys())


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
