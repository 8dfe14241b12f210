"""How weights are written in fewer bits, and read back. Knows numbers, not layers.

    int8   int8 [O, I]                   whole numbers from -127 to 127
    int4   uint8 [O, I / 2]              from -8 to 7, two in a byte, see below
    e4m3   float8_e4m3fn [O, I]          see quantize_rows_e4m3.py, of which a row is an output here

    group of int4:   input    0 1 2 ... h-1 | h h+1 ... 2h-1           h: half a group
                     byte     0 1 2 ... h-1 | 0 1   ... h-1
                     bits     the low four  | the high four            in two's complement

Each group of inputs has a scale for each output: int8 rounds to nearest at the largest value, int4 takes, of eight
scales, the one that leaves the least squared error. Native CPU kernels do the same to groups of 32 (quant_weights.py).
A group that holds what is not finite has NaN for a scale.
Legend: O outputs, I inputs, G groups, J inputs of a group.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

_SCALE_DTYPE = torch.bfloat16
_LEAST_SCALE = 1e-30
_CHUNK = 1 << 24
"""Numbers that are worked on at once: every step of the search holds several floats for each."""
_INT4_STEPS = tuple(7.0 + 0.4 * i for i in range(8))
"""What the largest of a group becomes, or is cut off at."""


class Codes(NamedTuple):
    codes: torch.Tensor
    scales_OG: torch.Tensor
    """Stored output by output within a group, as kernels read them."""


def quantize_int8(weight_OI: torch.Tensor, group: int) -> Codes:
    """On the weight's device."""
    return _by_rows(weight_OI, group, _int8)


def quantize_int4(weight_OI: torch.Tensor, group: int) -> Codes:
    """On the weight's device, packed."""
    codes_OI, scales_OG = _by_rows(weight_OI, group, _int4)
    return Codes(pack_int4(codes_OI, group), scales_OG)


def dequantized(codes_OI: torch.Tensor, scales_OG: torch.Tensor) -> torch.Tensor:
    """float32 [O, I], of codes that are not packed."""
    codes_OGJ = codes_OI.view(*scales_OG.shape, -1).float()
    return (codes_OGJ * scales_OG.float().unsqueeze(2)).flatten(1)


def pack_int4(codes_OI: torch.Tensor, group: int) -> torch.Tensor:
    """int8 [O, I] to uint8 [O, I / 2]."""
    low_OGH, high_OGH = codes_OI.view(torch.uint8).view(len(codes_OI), -1, group).chunk(2, dim=2)
    return (low_OGH & 0xF | high_OGH << 4).flatten(1)


def unpack_int4(bytes_OH: torch.Tensor, group: int) -> torch.Tensor:
    """Back to int8 [O, I]."""
    bytes_OGH = bytes_OH.view(torch.int8).view(len(bytes_OH), -1, group // 2)
    return torch.cat((bytes_OGH << 4 >> 4, bytes_OGH >> 4), dim=2).flatten(1)


def _by_rows(
    weight_OI: torch.Tensor, group: int, quantize: Callable[[torch.Tensor], Codes]
) -> Codes:
    assert weight_OI.shape[1] % group == 0, (weight_OI.shape, group)
    codes_OI = torch.empty_like(weight_OI, dtype=torch.int8)
    num_groups, num_rows = weight_OI.shape[1] // group, max(1, _CHUNK // weight_OI.shape[1])
    scales_GO = weight_OI.new_empty(num_groups, len(weight_OI), dtype=_SCALE_DTYPE)
    for start in range(0, len(weight_OI), num_rows):
        rows = slice(start, start + num_rows)
        values_OGJ = weight_OI[rows].float().view(-1, num_groups, group)
        found = quantize(values_OGJ)
        codes_OI[rows], scales_GO[:, rows] = found.codes.flatten(1), found.scales_OG.t()
    return Codes(codes_OI, scales_GO.t())


def _int8(values_OGJ: torch.Tensor) -> Codes:
    scales_OG = _storable(values_OGJ.abs().amax(dim=2) / 127, values_OGJ)
    return Codes(_rounded(values_OGJ, scales_OG, -127, 127), scales_OG)


def _int4(values_OGJ: torch.Tensor) -> Codes:
    """For given codes q the best scale is (values . q) / (q . q); it takes (values . q)^2 / (q . q) off the squares."""
    places_OG1 = values_OGJ.abs().argmax(dim=2, keepdim=True)
    largest_OG1 = values_OGJ.gather(2, places_OG1)
    inverse_OG1 = torch.where(largest_OG1.abs() < _LEAST_SCALE, 0, 1 / largest_OG1)
    relative_OGJ = values_OGJ * inverse_OG1
    best_OG = best_score_OG = values_OGJ.new_zeros(values_OGJ.shape[:2])
    for step in _INT4_STEPS:
        q_OGJ = (values_OGJ * (inverse_OG1 * -step)).round_().clamp_(-8, 7)
        products_OG, squares_OG = (relative_OGJ * q_OGJ).sum(dim=2), (q_OGJ * q_OGJ).sum(dim=2)
        score_OG = products_OG.square() / squares_OG
        best_OG = torch.where(score_OG > best_score_OG, products_OG / squares_OG, best_OG)
        best_score_OG = torch.maximum(score_OG, best_score_OG).nan_to_num(0.0)
    scales_OG = _storable(largest_OG1.squeeze(2) * best_OG, values_OGJ)
    return Codes(_rounded(values_OGJ, scales_OG, -8, 7), scales_OG)


def _storable(scales_OG: torch.Tensor, values_OGJ: torch.Tensor) -> torch.Tensor:
    """As they will be read back, zero where an inverse would not be finite, NaN where a value is not."""
    poison_OG = (values_OGJ * 0).sum(dim=2)
    return torch.where(scales_OG.abs() < _LEAST_SCALE, 0, scales_OG).add(poison_OG).to(_SCALE_DTYPE)


def _rounded(
    values_OGJ: torch.Tensor, scales_OG: torch.Tensor, least: int, most: int
) -> torch.Tensor:
    scales = scales_OG.float()
    inverse_OG1 = torch.where(scales.abs() > 0, 1 / scales, 0).unsqueeze(2)
    codes_OGJ = (values_OGJ * inverse_OG1).round_().clamp_(least, most)
    return codes_OGJ.nan_to_num_(0.0).to(torch.int8)
