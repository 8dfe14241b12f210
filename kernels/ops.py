"""The ops of a decoder and who implements them, by the kind of device. Knows signatures, no kernels.

A package that implements them has a function for each, under the same name and with the same parameters; types are
checked here, names and defaults by a test. CPUs that have native kernels run whole programs instead (kernels/cpu).

Legend: as in the modules of `reference`.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

import torch

from penstock.kernels.rows import Rows

if TYPE_CHECKING:
    from penstock.kernels import reference, triton


class Ops(Protocol):
    """What each does is said by its oracle in `reference`."""

    READS_ON_HOST: frozenset[str]
    """Its ops that look into tensors on the host, so that no captured graph can hold them."""

    def embedding(self, token_ids_T: torch.Tensor, weight_VD: torch.Tensor) -> torch.Tensor: ...

    def linear(
        self,
        x_TI: torch.Tensor,
        weight_OI: torch.Tensor,
        bias_O: torch.Tensor | None = None,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def linear_int8(
        self,
        x_TI: torch.Tensor,
        codes_OI: torch.Tensor,
        scales_OG: torch.Tensor,
        bias_O: torch.Tensor | None = None,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def linear_int4(
        self,
        x_TI: torch.Tensor,
        codes_OH: torch.Tensor,
        scales_OG: torch.Tensor,
        bias_O: torch.Tensor | None = None,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def linear_e4m3(
        self,
        x_TI: torch.Tensor,
        codes_OI: torch.Tensor,
        scales_O: torch.Tensor,
        bias_O: torch.Tensor | None = None,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def quantize_rows_e4m3(self, x_TI: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]: ...

    def rms_norm(self, x_D: torch.Tensor, weight_D: torch.Tensor, eps: float) -> torch.Tensor: ...

    def add_rms_norm(
        self, x_TD: torch.Tensor, residual_TD: torch.Tensor, weight_D: torch.Tensor, eps: float
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    def silu_mul(self, gate_up_T2F: torch.Tensor) -> torch.Tensor: ...

    def rope_store_kv(
        self,
        qk_TND: torch.Tensor,
        v_TGD: torch.Tensor,
        cos_TE: torch.Tensor,
        sin_TE: torch.Tensor,
        k_cache_SGD: torch.Tensor,
        v_cache_SGD: torch.Tensor,
        slots_T: torch.Tensor,
        *,
        k_scale: float = 1.0,
        v_scale: float = 1.0,
    ) -> torch.Tensor: ...

    def paged_attention(
        self,
        q_THD: torch.Tensor,
        k_cache_SGD: torch.Tensor,
        v_cache_SGD: torch.Tensor,
        rows: Rows,
        *,
        block_size: int,
        scale: float,
        window: int | None = None,
        k_scale: float = 1.0,
        v_scale: float = 1.0,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def route(
        self, logits_TE: torch.Tensor, num_chosen: int, *, normalize: bool
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    def fused_experts(
        self,
        x_TD: torch.Tensor,
        gate_up_EJD: torch.Tensor,
        down_EDI: torch.Tensor,
        weights_TK: torch.Tensor,
        experts_TK: torch.Tensor,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def fused_experts_int8(
        self,
        x_TD: torch.Tensor,
        gate_up_EJD: torch.Tensor,
        gate_up_scales_EJG: torch.Tensor,
        down_EDI: torch.Tensor,
        down_scales_EDG: torch.Tensor,
        weights_TK: torch.Tensor,
        experts_TK: torch.Tensor,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def fused_experts_int4(
        self,
        x_TD: torch.Tensor,
        gate_up_EJC: torch.Tensor,
        gate_up_scales_EJG: torch.Tensor,
        down_EDH: torch.Tensor,
        down_scales_EDG: torch.Tensor,
        weights_TK: torch.Tensor,
        experts_TK: torch.Tensor,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...

    def fused_experts_e4m3(
        self,
        x_TD: torch.Tensor,
        gate_up_EJD: torch.Tensor,
        gate_up_scales_EJ: torch.Tensor,
        down_EDI: torch.Tensor,
        down_scales_ED: torch.Tensor,
        weights_TK: torch.Tensor,
        experts_TK: torch.Tensor,
        *,
        batch_invariant: bool = False,
    ) -> torch.Tensor: ...


EXPERT_OPS = frozenset(
    {"route", "fused_experts", "fused_experts_int8", "fused_experts_int4", "fused_experts_e4m3"}
)
"""Those that only a mixture of experts has a use for."""
IMPLEMENTATIONS: Mapping[str, str] = MappingProxyType(
    {"reference": "penstock.kernels.reference", "triton": "penstock.kernels.triton"}
)
BY_DEVICE: Mapping[str, str] = MappingProxyType({"cpu": "reference", "cuda": "triton"})

if TYPE_CHECKING:
    _CHECKED: tuple[Ops, ...] = (reference, triton)


def ops_on(device: torch.device) -> Ops:
    """The ops for tensors that lie there. Raises ImportError where Triton is wanted and missing."""
    return load_ops(BY_DEVICE[device.type])


def load_ops(implementation: str) -> Ops:
    """Those of `IMPLEMENTATIONS[implementation]`, imported now."""
    return cast(Ops, import_module(IMPLEMENTATIONS[implementation]))
