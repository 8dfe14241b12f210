"""Products with a matrix, whatever its numbers are: tiles, spans, and the order of every sum. Knows no kind of weights.

A tile is OUTPUTS rows of the weights by TOKENS rows of activations, and takes INPUTS of both at each step. What a step
reads and how it multiplies is FOLD's affair, a function that each kind of weights has:

    FOLD(acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs, INPUTS, EVEN) -> acc

    acc          float32 [OUTPUTS, TOKENS]
    x_rows       pointers to activations [1, TOKENS], w_rows to weights [OUTPUTS, 1], both of input 0
    scale_rows   pointers to the scale of group 0 [OUTPUTS]; those of the next group are `group_stride` further
    EVEN         whether the inputs are whole steps

Rows beyond the last are read as the last, and not written.
Legend: T tokens, O outputs, I inputs, G groups, N splits; W numbers of a stored row of weights.
"""

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl

from penstock.kernels.triton.linear_tiles import Tiles

_COMBINED = 256
Finish = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]
"""Scales of tokens and of outputs, and the bias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`out_dtype` is that of the bias too. Scales of groups belong to FOLD, those of tokens and outputs to the sums."""

    x_TI: torch.Tensor
    weight_OW: torch.Tensor
    out_dtype: torch.dtype
    bias_O: torch.Tensor | None = None
    scales_OG: torch.Tensor | None = None
    token_scales_T: torch.Tensor | None = None
    output_scales_O: torch.Tensor | None = None

    def __post_init__(self) -> None:
        assert self.x_TI.dim() == 2, self.x_TI.shape
        assert self.x_TI.stride(1) == 1, self.x_TI.stride()
        assert self.weight_OW.stride(1) == 1, self.weight_OW.stride()
        assert self.bias_O is None or self.bias_O.shape == self.weight_OW.shape[:1]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Tokens, outputs, inputs."""
        return len(self.x_TI), len(self.weight_OW), self.x_TI.shape[1]

    @property
    def strides(self) -> tuple[int, int, int, int]:
        """From token to token, from output to output, and of the scales from output to output and group to group."""
        scales_OG = self.scales_OG
        of_scales = (0, 0) if scales_OG is None else (scales_OG.stride(0), scales_OG.stride(1))
        return self.x_TI.stride(0), self.weight_OW.stride(0), *of_scales

    @property
    def finish(self) -> Finish:
        """What becomes of a sum."""
        return self.token_scales_T, self.output_scales_O, self.bias_O


def multiply(product: Product, tiles: Tiles, fold: Any) -> torch.Tensor:
    """[T, O]. Where spans are split they are summed up by a second launch."""
    num_tokens, num_outputs, _ = product.sizes
    shape, device = (num_tokens, num_outputs), product.x_TI.device
    out_TO = torch.empty(shape, dtype=product.out_dtype, device=device)
    if not num_tokens:
        return out_TO
    if tiles.splits == 1:
        _launch(product, tiles, fold, out_TO, product.finish)
        return out_TO
    sums_NTO = torch.empty(tiles.splits, *shape, dtype=torch.float32, device=device)
    _launch(product, tiles, fold, sums_NTO, (None, None, None))
    _linear_combine_kernel[(triton.cdiv(num_outputs, _COMBINED), num_tokens)](
        sums_NTO, out_TO, *product.finish, num_tokens, num_outputs, tiles.splits,
        OUTPUTS=_COMBINED, num_warps=4,
    )  # fmt: skip
    return out_TO


def _launch(
    product: Product, tiles: Tiles, fold: Any, out: torch.Tensor, finish: Finish
) -> None:  # fmt: skip
    num_tokens, num_outputs, num_inputs = product.sizes
    num_tiles = triton.cdiv(num_outputs, tiles.outputs) * triton.cdiv(num_tokens, tiles.tokens)
    _linear_spans_kernel[(num_tiles, tiles.splits)](
        product.x_TI, product.weight_OW, product.scales_OG, out, *finish,
        *product.sizes, *product.strides, tiles.span, tiles.num_spans,
        FOLD=fold, OUTPUTS=tiles.outputs, TOKENS=tiles.tokens, INPUTS=tiles.inputs,
        EVEN=num_inputs % tiles.inputs == 0, ALL_SPANS=tiles.splits < tiles.num_spans,
        num_warps=tiles.warps, num_stages=tiles.stages,
    )  # fmt: skip


@triton.jit
def _tile(num_outputs, num_tokens, OUTPUTS: tl.constexpr, TOKENS: tl.constexpr):
    """Programs that run at a time share rows of both: they go down a band of eight tiles of outputs, then aside."""
    rows, columns = tl.cdiv(num_outputs, OUTPUTS), tl.cdiv(num_tokens, TOKENS)
    band = tl.program_id(0) // (8 * columns)
    height = tl.minimum(rows - band * 8, 8)
    place = tl.program_id(0) - band * 8 * columns
    outputs = (band * 8 + place % height) * OUTPUTS + tl.arange(0, OUTPUTS)
    tokens = place // height * TOKENS + tl.arange(0, TOKENS)
    return outputs, tokens


@triton.jit
def _sum_span(
    x_rows, w_rows, scale_rows, group_stride, first, span, num_inputs,
    FOLD: tl.constexpr, OUTPUTS: tl.constexpr, TOKENS: tl.constexpr, INPUTS: tl.constexpr,
    EVEN: tl.constexpr,
):  # fmt: skip
    acc = tl.zeros([OUTPUTS, TOKENS], tl.float32)
    for start in range(first, tl.minimum(first + span, num_inputs), INPUTS):
        acc = FOLD(
            acc, x_rows, w_rows, scale_rows, group_stride, start, num_inputs, INPUTS, EVEN
        )  # fmt: skip
    return acc


@triton.jit
def _store(
    sums, out_ptr, token_scales_ptr, output_scales_ptr, bias_ptr, outputs, tokens,
    num_outputs, num_tokens,
):  # fmt: skip
    """Sums [outputs, tokens] as they are asked for."""
    if token_scales_ptr is not None:
        scales = tl.load(token_scales_ptr + tokens, mask=tokens < num_tokens, other=0.0)
        sums = sums * scales[None, :]
    if output_scales_ptr is not None:
        scales = tl.load(output_scales_ptr + outputs, mask=outputs < num_outputs, other=0.0)
        sums = sums * scales.to(tl.float32)[:, None]
    if bias_ptr is not None:
        bias = tl.load(bias_ptr + outputs, mask=outputs < num_outputs, other=0.0)
        sums = sums + bias.to(tl.float32)[:, None]
    mask = (outputs < num_outputs)[:, None] & (tokens < num_tokens)[None, :]
    places = tokens.to(tl.int64)[None, :] * num_outputs + outputs[:, None]
    tl.store(out_ptr + places, sums.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit(do_not_specialize=["num_tokens", "num_spans"])
def _linear_spans_kernel(
    x_ptr, w_ptr, scales_ptr, out_ptr, token_scales_ptr, output_scales_ptr, bias_ptr,
    num_tokens, num_outputs, num_inputs, x_stride, w_stride, scale_stride, group_stride,
    span, num_spans,
    FOLD: tl.constexpr, OUTPUTS: tl.constexpr, TOKENS: tl.constexpr, INPUTS: tl.constexpr,
    EVEN: tl.constexpr, ALL_SPANS: tl.constexpr,
):  # fmt: skip
    outputs, tokens = _tile(num_outputs, num_tokens, OUTPUTS, TOKENS)
    rows = tl.minimum(outputs, num_outputs - 1).to(tl.int64)
    x_rows = x_ptr + (tl.minimum(tokens, num_tokens - 1).to(tl.int64) * x_stride)[None, :]
    w_rows = w_ptr + (rows * w_stride)[:, None]
    scale_rows = None if scales_ptr is None else scales_ptr + rows * scale_stride
    split = tl.program_id(1)
    total = _sum_span(
        x_rows, w_rows, scale_rows, group_stride, split * span, span, num_inputs,
        FOLD, OUTPUTS, TOKENS, INPUTS, EVEN,
    )  # fmt: skip
    if ALL_SPANS:
        for index in range(1, num_spans):
            total += _sum_span(
                x_rows, w_rows, scale_rows, group_stride, index * span, span, num_inputs,
                FOLD, OUTPUTS, TOKENS, INPUTS, EVEN,
            )  # fmt: skip
    split_ptr = out_ptr + split.to(tl.int64) * num_tokens * num_outputs
    _store(
        total, split_ptr, token_scales_ptr, output_scales_ptr, bias_ptr, outputs, tokens,
        num_outputs, num_tokens,
    )  # fmt: skip


@triton.jit(do_not_specialize=["num_tokens", "num_splits"])
def _linear_combine_kernel(
    sums_ptr, out_ptr, token_scales_ptr, output_scales_ptr, bias_ptr,
    num_tokens, num_outputs, num_splits, OUTPUTS: tl.constexpr,
):  # fmt: skip
    outputs = tl.program_id(0) * OUTPUTS + tl.arange(0, OUTPUTS)
    tokens = tl.program_id(1) + tl.arange(0, 1)
    mask = (outputs < num_outputs)[:, None]
    places = tokens.to(tl.int64)[None, :] * num_outputs + outputs[:, None]
    size = num_tokens.to(tl.int64) * num_outputs
    total = tl.load(sums_ptr + places, mask=mask, other=0.0)
    for split in range(1, num_splits):
        total += tl.load(sums_ptr + split * size + places, mask=mask, other=0.0)
    _store(
        total, out_ptr, token_scales_ptr, output_scales_ptr, bias_ptr, outputs, tokens,
        num_outputs, num_tokens,
    )  # fmt: skip
