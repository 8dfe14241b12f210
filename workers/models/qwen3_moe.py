"""The Qwen3-MoE family: Qwen3 with experts. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.experts import qwen_experts, qwen_places
from penstock.workers.models.family import Family, Switches
from penstock.workers.models.windows import no_windows, same_windows


def _switches(config: ConfigJson) -> Switches:
    has_bias = config.flag("attention_bias", False)
    slides = config.flag("use_sliding_window", False)
    return Switches(
        windows=same_windows(config) if slides else no_windows(config),
        qkv_bias=has_bias,
        o_bias=has_bias,
        qk_norm=True,
        experts=qwen_experts(config),
    )


QWEN3_MOE = Family(
    architecture="Qwen3MoeForCausalLM",
    switches=_switches,
    layer_places=qwen_places,
    defaults={
        "num_key_value_heads": 4,
        "sliding_window": 4096,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 768,
    },
)
