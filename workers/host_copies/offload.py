"""Layers whose weights lie in host memory, and come to the device ahead of their turn. Knows no layer's computing.

    layers    0 1 2 [3] 4 5 6 [7] 8 9 10 [11]         in brackets: those that are away
    areas     [ 3, then 11 ][ 7 ]                      on the device; each layer's weights are views into its area
    compute   | 0 1 2 | 3 | 4 5 6 | 7 | ...            waits before 3 until 3 has come
    copies    [ 3 ][ 7 ]   [ 11 ]                      11 waits until 3 is done with the area

A pass begins and ends with nothing under way, so it can be captured as a graph like any other.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from penstock.workers.host_copies.queues import Mark, Queues
from penstock.workers.host_copies.sizes import NUM_AREAS

ALIGNMENT = 256
"""Bytes; where a weight begins, kernels may rely on it."""


class Offload:
    """Moves the weights of `chosen` layers, and from then on brings each before its layer is called.

    The layers must be called in order, all in each pass. Raises MemoryError.
    """

    def __init__(self, layers: Sequence[nn.Module], chosen: Sequence[int], queues: Queues) -> None:
        self._queues = queues
        size = max(_end(layers[index]) for index in chosen)
        self._host = queues.on_host((len(chosen), size))
        self._areas = [queues.on_device((size,)) for _ in range(min(NUM_AREAS, len(chosen)))]
        self._arrived: list[Mark] = [None] * len(chosen)
        layers[0].register_forward_pre_hook(self._begin)
        for place, index in enumerate(chosen):
            self._move(layers[index], self._host[place], self._area(place))
            layers[index].register_forward_pre_hook(partial(self._before, place))
            layers[index].register_forward_hook(partial(self._after, place))

    def _area(self, place: int) -> torch.Tensor:
        return self._areas[place % len(self._areas)]

    def _move(self, layer: nn.Module, host: torch.Tensor, area: torch.Tensor) -> None:
        for module, name, weight, first in _spans(layer):
            _laid(host, first, weight).copy_(weight.data)
            view = _laid(area, first, weight)
            is_rounded = not isinstance(weight, nn.Parameter)
            setattr(module, name, view if is_rounded else nn.Parameter(view, requires_grad=False))

    # ---- a pass

    def _begin(self, *_: Any) -> None:
        self._queues.copies.wait(self._queues.compute.mark())
        for place in range(len(self._areas)):
            self._fetch(place)

    def _before(self, place: int, *_: Any) -> None:
        self._queues.compute.wait(self._arrived[place])

    def _after(self, place: int, *_: Any) -> None:
        following = place + len(self._areas)
        if following < len(self._arrived):
            self._queues.copies.wait(self._queues.compute.mark())
            self._fetch(following)

    def _fetch(self, place: int) -> None:
        area, host = self._area(place), self._host[place]
        self._queues.copies.run(lambda: _bring(host, area))
        self._arrived[place] = self._queues.copies.mark()


def _bring(host: torch.Tensor, area: torch.Tensor) -> None:
    area.copy_(host, non_blocking=True)


def _laid(memory: torch.Tensor, first: int, like: torch.Tensor) -> torch.Tensor:
    """Bytes of memory from `first` on as a tensor like that one, its numbers in the same places: kernels care."""
    numbers = memory[first : first + like.nbytes].view(like.dtype)
    return numbers.as_strided(like.shape, like.stride())


def _spans(layer: nn.Module) -> Iterator[tuple[nn.Module, str, torch.Tensor, int]]:
    """Each weight, whose it is, and where in an area it begins. Rounded ones are buffers."""
    first = 0
    for module in layer.modules():
        own = *module.named_parameters(recurse=False), *module.named_buffers(recurse=False)
        for name, weight in own:
            yield module, name, weight, first
            first += _aligned(weight.nbytes)


def _end(layer: nn.Module) -> int:
    return max(first + _aligned(weight.nbytes) for _, _, weight, first in _spans(layer))


def _aligned(num_bytes: int) -> int:
    return -(-num_bytes // ALIGNMENT) * ALIGNMENT
