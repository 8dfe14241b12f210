"""The Qwen3 family: norms on q and k, a head size of its own. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family, Switches, split_places
from penstock.workers.models.windows import chosen_windows


def _switches(config: ConfigJson) -> Switches:
    has_bias = config.flag("attention_bias", False)
    return Switches(
        windows=chosen_windows(config), qkv_bias=has_bias, o_bias=has_bias, qk_norm=True
    )


QWEN3 = Family(
    architecture="Qwen3ForCausalLM",
    switches=_switches,
    layer_places=split_places,
    defaults={
        "num_key_value_heads": 32,
        "head_dim": 128,
        "sliding_window": 4096,
        "max_window_layers": 28,
    },
)
