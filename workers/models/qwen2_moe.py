"""The Qwen2-MoE family: Qwen2 with experts, one of them for all. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.experts import qwen_experts, qwen_places
from penstock.workers.models.family import Family, Switches
from penstock.workers.models.windows import chosen_windows


def _switches(config: ConfigJson) -> Switches:
    experts = qwen_experts(config, config.integer("shared_expert_intermediate_size"))
    has_bias = config.flag("qkv_bias", True)
    return Switches(windows=chosen_windows(config), qkv_bias=has_bias, experts=experts)


QWEN2_MOE = Family(
    architecture="Qwen2MoeForCausalLM",
    switches=_switches,
    layer_places=qwen_places,
    defaults={
        "num_key_value_heads": 16,
        "sliding_window": 4096,
        "max_window_layers": 28,
        "num_experts": 60,
        "num_experts_per_tok": 4,
        "moe_intermediate_size": 1408,
        "shared_expert_intermediate_size": 5632,
    },
)
