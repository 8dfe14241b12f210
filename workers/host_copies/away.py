"""Which of a decoder's weights are to lie in host memory. Knows sizes and a wish, not how they come back."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from penstock.protocol.errors import SettingsError
from penstock.workers.host_copies.offload import Offload
from penstock.workers.host_copies.queues import CpuQueues, Queues
from penstock.workers.host_copies.sizes import choose_layers
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.models.quantized_matrix import QuantizedMatrix


@dataclass(frozen=True, slots=True)
class Away:
    """`num_bytes` fewer on the device, as far as there are layers."""

    num_bytes: int
    queues: Queues

    def choose(self, model: DecoderModel, dtype: torch.dtype) -> list[int]:
        """Of the model's layers, before they have memory."""
        return choose_layers([_layer_bytes(layer, dtype) for layer in model.layers], self.num_bytes)

    def move(self, model: DecoderModel, chosen: list[int]) -> None:
        """Once they are filled."""
        try:
            Offload(list(model.layers), chosen, self.queues)
        except MemoryError as error:
            raise SettingsError(f"--cpu-offload-gb: {error}; lower it") from error


NOTHING = Away(0, CpuQueues())


def resident_bytes(model: nn.Module) -> int:
    """What the weights take where they are computed with; those that take turns in one place count once."""
    storages = {
        storage.data_ptr(): storage.nbytes()
        for storage in (weight.data.untyped_storage() for weight in _weights(model))
    }
    return sum(storages.values())


def _weights(model: nn.Module) -> Iterator[torch.Tensor]:
    """Rounded ones are buffers."""
    yield from model.parameters()
    yield from model.buffers()


def _layer_bytes(layer: nn.Module, dtype: torch.dtype) -> int:
    """Once it is filled: what is rounded has no parameters."""
    rounded = (module for module in layer.modules() if isinstance(module, QuantizedMatrix))
    plain = sum(weight.numel() for weight in layer.parameters())
    return plain * dtype.itemsize + sum(module.nbytes for module in rounded)
