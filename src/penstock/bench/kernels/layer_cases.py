"""What a layer does beside its products and its attention. Knows bytes and operations, no clock.

Legend: T tokens, H query heads, G KV heads, N = H + G, D hidden or a head's dimension, F MLP width.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch.nn.functional as F

from penstock.bench.kernels.case import ITEM, Case, Run, Work, by_tokens
from penstock.bench.kernels.models import Loads, Model

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab

_EPS = 1e-5
_SLOT = 8
"""Bytes of one."""


def rms_norm(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, rms_norm_work, _run_rms_norm)


def rms_norm_work(model: Model, tokens: int) -> Work:
    """Squares, their sum, and two products for each number."""
    numbers = tokens * model.hidden
    return Work((2 * numbers + model.hidden) * ITEM, 4 * numbers)


def add_rms_norm(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, add_rms_norm_work, _run_add_rms_norm)


def add_rms_norm_work(model: Model, tokens: int) -> Work:
    """Two read, two written."""
    numbers = tokens * model.hidden
    return Work((4 * numbers + model.hidden) * ITEM, 5 * numbers)


def silu_mul(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, silu_mul_work, _run_silu_mul)


def silu_mul_work(model: Model, tokens: int) -> Work:
    """An exponential, a sum, a quotient and two products."""
    numbers = tokens * model.width
    return Work(3 * numbers * ITEM, 5 * numbers)


def rope_store_kv(model: Model, loads: Loads) -> Iterator[Case]:
    return by_tokens(model, loads.steps, rope_store_kv_work, _run_rope_store_kv)


def rope_store_kv_work(model: Model, tokens: int) -> Work:
    """All heads read and written, half a head of cosines and of sines; six operations turn two numbers."""
    turned = model.num_heads + model.num_kv_heads
    numbers = 2 * (turned + model.num_kv_heads) * model.head_dim + model.head_dim
    return Work(tokens * (numbers * ITEM + _SLOT), tokens * 3 * turned * model.head_dim)


def _run_rms_norm(model: Model, tokens: int, lab: "Lab") -> Run:
    x_TD, weight_D = lab.normal(tokens, model.hidden), lab.normal(model.hidden)
    return Run(
        partial(lab.ops.rms_norm, x_TD, weight_D, _EPS),
        lambda: F.rms_norm(x_TD, weight_D.shape, weight_D, _EPS),
    )


def _run_add_rms_norm(model: Model, tokens: int, lab: "Lab") -> Run:
    x_TD, residual_TD = (lab.normal(tokens, model.hidden) for _ in range(2))
    return Run(partial(lab.ops.add_rms_norm, x_TD, residual_TD, lab.normal(model.hidden), _EPS))


def _run_silu_mul(model: Model, tokens: int, lab: "Lab") -> Run:
    return Run(partial(lab.ops.silu_mul, lab.normal(tokens, 2 * model.width)))


def _run_rope_store_kv(model: Model, tokens: int, lab: "Lab") -> Run:
    turned = model.num_heads + model.num_kv_heads
    qkv_TND = lab.normal(tokens, turned + model.num_kv_heads, model.head_dim)
    qk_TND, v_TGD = qkv_TND[:, :turned], qkv_TND[:, turned:]
    angles_TE = lab.normal(tokens, model.head_dim // 2)
    k_cache, v_cache = (lab.normal(tokens, model.num_kv_heads, model.head_dim) for _ in "kv")
    inputs = qk_TND, v_TGD, angles_TE.cos(), angles_TE.sin(), k_cache, v_cache
    slots_T = lab.permutation(tokens)
    return Run(lambda: lab.ops.rope_store_kv(*inputs, slots_T))
