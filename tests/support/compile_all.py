"""Compiles every Triton kernel, as the models that people serve would launch it, for a GPU that is not there.

    python -P tests/support/compile_all.py H100            prints what the assembler says of each, as lines of JSON
    python -P tests/support/compile_all.py H100 --few      each kernel in one variant

Tensors are as small as they can be: only their dtypes, and widths that are compiled in, matter.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from penstock.kernels import triton as ops
from penstock.kernels.reference.kv_codes import FP8
from penstock.kernels.rows import Rows
from penstock.kernels.triton.sampling.choose import choose
from penstock.kernels.triton.sampling.constrain import add_bias, constrain
from penstock.kernels.triton.sampling.logprobs import top_logprobs
from penstock.kernels.triton.sampling.penalise import penalise
from support.compile_only import GPUS, compiling_for

BF16 = torch.bfloat16
VOCABULARY = 152_064
INT64, FLOAT64 = torch.int64, torch.float64


def zeros(*shape: int, dtype: torch.dtype = BF16) -> torch.Tensor:
    return torch.zeros(shape).to(dtype)


def norms_and_gates(*widths: int) -> None:
    for width in widths:
        x_TD, weight_D = zeros(3, width), zeros(width)
        ops.rms_norm(x_TD, weight_D, 1e-5)
        ops.add_rms_norm(x_TD, x_TD, weight_D, 1e-5)
        ops.silu_mul(zeros(3, 2 * width))


def attention(head_dim: int, group: int, cache_dtype: torch.dtype, window: int | None) -> None:
    num_kv_heads, block_size = 2, 16
    caches = [zeros(64 * block_size, num_kv_heads, head_dim, dtype=cache_dtype) for _ in "kv"]
    turned, angles = zeros(3, (group + 1) * num_kv_heads, head_dim), zeros(3, head_dim // 2)
    v_TGD, slots_T = zeros(3, num_kv_heads, head_dim), torch.arange(3)
    ops.rope_store_kv(turned, v_TGD, angles, angles, *caches, slots_T)
    rows = Rows.of([1, 200], [40, 300], zeros(2, 20, dtype=torch.int32))
    q_THD = zeros(201, group * num_kv_heads, head_dim)
    for invariant in (False, True):
        ops.paged_attention(
            q_THD, *caches, rows, block_size=block_size, scale=0.1, window=window,
            batch_invariant=invariant,
        )  # fmt: skip


def experts(num_tokens: int, num_experts: int, chosen: int, invariant: bool) -> None:
    hidden, width = 256, 128
    weights_TK, experts_TK = ops.route(zeros(num_tokens, num_experts), chosen, normalize=True)
    ops.fused_experts(
        zeros(num_tokens, hidden), zeros(num_experts, 2 * width, hidden),
        zeros(num_experts, hidden, width), weights_TK, experts_TK, batch_invariant=invariant,
    )  # fmt: skip


def rounded_experts(num_tokens: int, num_experts: int, chosen: int, group: int) -> None:
    """Weights of fewer bits, of each kind."""
    hidden, width = 2 * group, group
    chosen_TK = zeros(num_tokens, chosen, dtype=torch.float32)
    routed = zeros(num_tokens, hidden), (chosen_TK, chosen_TK.long())
    codes = [
        zeros(num_experts, *shape, dtype=torch.int8)
        for shape in ((2 * width, hidden), (hidden, width))
    ]
    scales = [
        zeros(one.shape[2] // group, num_experts * one.shape[1]).t().unflatten(0, (num_experts, -1))
        for one in codes
    ]
    per_output = [zeros(*one.shape[:2], dtype=torch.float32) for one in codes]
    halves = [one.view(torch.uint8)[..., : one.shape[2] // 2].contiguous() for one in codes]
    eights = [one.view(FP8) for one in codes]
    for op, stored, of_them in (
        (ops.fused_experts_int8, codes, scales),
        (ops.fused_experts_int4, halves, scales),
        (ops.fused_experts_e4m3, eights, per_output),
    ):
        op(routed[0], stored[0], of_them[0], stored[1], of_them[1], *routed[1])


def products(num_inputs: int, group: int, tokens: tuple[int, ...]) -> None:
    """Nothing is read, so that there may be many tokens."""
    bias_O = zeros(256)
    codes_OI = zeros(256, num_inputs, dtype=torch.int8)
    scales_OG = zeros(num_inputs // group, 256).t()
    for num_tokens in tokens:
        x_TI, invariant = torch.empty(num_tokens, num_inputs, dtype=BF16), num_tokens > 200
        ops.linear(x_TI, zeros(256, num_inputs), bias_O, batch_invariant=True)
        ops.linear_int8(x_TI, codes_OI, scales_OG, batch_invariant=invariant)
        bytes_OH = codes_OI.view(torch.uint8)[:, : num_inputs // 2]
        ops.linear_int4(x_TI, bytes_OH, scales_OG, batch_invariant=invariant)
        ops.linear_e4m3(x_TI, codes_OI.view(FP8), zeros(256), bias_O, batch_invariant=invariant)


def sampling() -> None:
    logits_RV, named = zeros(4, VOCABULARY, dtype=torch.float32), torch.arange(2)
    for greedy in (True, False):
        choose(logits_RV, zeros(4, 5, dtype=FLOAT64), greedy=greedy)
    top_logprobs(logits_RV, named, named, 20)
    histories = zeros(4, 100, dtype=torch.int32)
    penalise(logits_RV, histories, zeros(2, 7, dtype=INT64), 100)
    constrain(logits_RV, zeros(4, VOCABULARY // 32, dtype=torch.int32), named, named)
    add_bias(logits_RV, named, named, zeros(2, dtype=torch.float32))


EVERY: tuple[Callable[[], None], ...] = (
    lambda: norms_and_gates(8192),
    lambda: attention(256, 8, FP8, 4096),  # the widest heads, a cache to be decoded, a window
    lambda: experts(300, 8, 4, False),  # as many rows of one expert as a tile takes
    lambda: rounded_experts(300, 8, 4, 128),
    lambda: products(2048, 128, (200,)),
    sampling,
)
"""Each kernel, in the variant that asks most of the GPU."""
VARIANTS: tuple[Callable[[], None], ...] = (
    lambda: norms_and_gates(128, 4096),
    lambda: attention(128, 4, BF16, None),  # Llama-3-8B
    lambda: attention(128, 7, FP8, None),  # Qwen2.5-7B
    lambda: attention(64, 8, BF16, 4096),
    lambda: attention(256, 2, BF16, None),
    lambda: experts(3, 8, 2, False),  # Mixtral-8x7B
    lambda: experts(100, 8, 2, False),
    lambda: experts(200, 8, 2, False),
    lambda: experts(3, 128, 8, True),  # Qwen3-30B-A3B
    lambda: rounded_experts(3, 8, 2, 128),
    lambda: rounded_experts(100, 8, 2, 64),
    lambda: rounded_experts(200, 8, 2, 128),
    lambda: products(2048, 128, (3, 40, 200, 20_000)),
    lambda: products(2080, 32, (3, 200)),
)


def main(gpu: str, launches: tuple[Callable[[], None], ...]) -> None:
    with compiling_for(GPUS[gpu]) as compiled:
        for launch in launches:
            launch()
    for one in compiled:
        print(json.dumps(asdict(one)))


if __name__ == "__main__":
    main(sys.argv[1], EVERY if "--few" in sys.argv else (*EVERY, *VARIANTS))
