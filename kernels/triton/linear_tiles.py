"""How a product is cut into programs, by its sizes and the device. Knows no tensors and no kind of weights.

    inputs of a matrix   [ span 0 | span 1 | ... ]    each summed by itself, then added up in their order

Few tiles have their spans worked on by several programs each, so that all processors read weights; many tiles have one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import triton

from penstock.kernels.triton.device import Device


class Numbers(NamedTuple):
    """What a step of a program takes in: so many inputs, and the bytes of an activation and of a weight."""

    x_bytes: int
    w_bytes: float
    inputs: int


class Tiles(NamedTuple):
    """`splits` programs share the spans of a tile: one, or each has its own."""

    outputs: int
    tokens: int
    inputs: int
    span: int
    num_spans: int
    splits: int
    warps: int
    stages: int


class _Shape(NamedTuple):
    """`residents` are the programs that one processor holds at a time."""

    outputs: int
    tokens: int
    warps: int
    residents: int


_FEW, _SOME = 16, 64
_SHAPES: Mapping[int, tuple[_Shape, _Shape, _Shape]] = MappingProxyType(
    {
        2: (_Shape(64, 16, 4, 2), _Shape(64, 64, 4, 2), _Shape(128, 128, 8, 1)),
        4: (_Shape(32, 16, 4, 2), _Shape(32, 32, 4, 2), _Shape(64, 64, 8, 1)),
    }
)
"""For few, some and many tokens, by the bytes of what is multiplied."""
_LEAST_SPAN, _MOST_SPANS = 512, 16
_MOST_STAGES = 4


def tiles_of(
    num_tokens: int, num_outputs: int, num_inputs: int, numbers: Numbers, device: Device,
    *, batch_invariant: bool,
) -> Tiles:  # fmt: skip
    """With `batch_invariant` the number of tokens decides nothing but who adds a span to the last."""
    few, some, many = _SHAPES[4 if numbers.x_bytes == 4 else 2]
    shape = few if num_tokens <= _FEW else some if num_tokens <= _SOME else many
    if batch_invariant:
        shape = some
    num_columns = triton.cdiv(num_outputs, shape.outputs)
    num_tiles = num_columns * triton.cdiv(num_tokens, shape.tokens)
    places = shape.residents * device.num_sms
    wanted = triton.cdiv(places, num_columns if batch_invariant else num_tiles)
    span, num_spans = _spans(wanted, num_inputs, numbers.inputs)
    splits = num_spans if num_tiles < places else 1
    stages = _stages(shape, numbers, device)
    return Tiles(*shape[:2], numbers.inputs, span, num_spans, splits, shape.warps, stages)


def _spans(wanted: int, num_inputs: int, step: int) -> tuple[int, int]:
    """How long, in whole steps, and how many; about `wanted`, where that leaves each long enough."""
    most = min(wanted, num_inputs // _LEAST_SPAN, _MOST_SPANS)
    span = triton.cdiv(triton.cdiv(num_inputs, max(1, most)), step) * step
    return span, triton.cdiv(num_inputs, span)


def _stages(shape: _Shape, numbers: Numbers, device: Device) -> int:
    """As many steps ahead as shared memory holds."""
    step = numbers.inputs * (shape.outputs * numbers.w_bytes + shape.tokens * numbers.x_bytes)
    return max(1, min(_MOST_STAGES, int(device.shared_bytes // step)))
