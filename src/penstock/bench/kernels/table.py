"""The kernels that are measured. Knows their names and where their cases are made.

A further kernel is one entry here, and the function it names: (Model, Loads) -> its cases for that model, none where
the model has no use for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from penstock.bench.kernels.models import Loads, Model
from penstock.protocol.errors import SettingsError

if TYPE_CHECKING:
    from penstock.bench.kernels.case import Case

Cases = Callable[[Model, Loads], Iterator["Case"]]


@dataclass(frozen=True, slots=True)
class Op:
    """`cases` is MODULE:FUNCTION within this package, imported when it is wanted."""

    says: str
    cases: str

    def resolve(self) -> Cases:
        module, _, function = self.cases.partition(":")
        found: Cases = getattr(import_module(f"{__package__}.{module}"), function)
        return found


OPS: Mapping[str, Op] = MappingProxyType(
    {
        "attention_decode": Op("a token of each row over its pages", "attention_cases:decode"),
        "attention_decode_fp8": Op("the same, cache in e4m3", "attention_cases:decode_fp8"),
        "attention_prefill": Op("a prompt over itself", "attention_cases:prefill"),
        "rms_norm": Op("the norm alone", "layer_cases:rms_norm"),
        "add_rms_norm": Op("residual and norm", "layer_cases:add_rms_norm"),
        "rope_store_kv": Op("rotation, and the write to the cache", "layer_cases:rope_store_kv"),
        "silu_mul": Op("the MLP's gate", "layer_cases:silu_mul"),
        "linear_int8": Op("gate and up, weights of 8 bits", "linear_cases:int8"),
        "linear_int4": Op("the same of 4 bits", "linear_cases:int4"),
        "linear_e4m3": Op("the same in e4m3, activations too", "linear_cases:e4m3"),
        "route": Op("which experts a token goes to", "expert_cases:route"),
        "fused_experts": Op("through them, and added up", "expert_cases:fused_experts"),
        "fused_experts_int8": Op("the same, weights of 8 bits", "expert_cases:int8"),
        "fused_experts_int4": Op("the same of 4 bits", "expert_cases:int4"),
        "fused_experts_e4m3": Op("the same in e4m3, activations too", "expert_cases:e4m3"),
        "sample_greedy": Op("the best token of each row", "sampling_cases:greedy"),
        "sample_all": Op("a draw from all tokens", "sampling_cases:draw_from_all"),
        "sample_some": Op("a draw within top-k 50, top-p 0.9", "sampling_cases:draw_from_some"),
        "top_logprobs": Op("the 20 likeliest of each row", "sampling_cases:top_logprobs"),
        "penalise": Op("penalties for a history", "sampling_cases:penalise"),
        "constrain": Op("a grammar's mask", "sampling_cases:constrain"),
    }
)


def chosen(wanted: Sequence[str]) -> tuple[str, ...]:
    """Names of ops that begin like one of those, in the table's order; all for none. Raises SettingsError."""
    for start in wanted:
        if not any(name.startswith(start) for name in OPS):
            raise SettingsError(f"--only {start}: no kernel begins so; there are {', '.join(OPS)}")
    return tuple(name for name in OPS if not wanted or name.startswith(tuple(wanted)))
