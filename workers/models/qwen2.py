"""The Qwen2 family: biases on q, k and v, windows in some layers. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family, Switches, split_places
from penstock.workers.models.windows import chosen_windows


def _switches(config: ConfigJson) -> Switches:
    return Switches(windows=chosen_windows(config), qkv_bias=True)


QWEN2 = Family(
    architecture="Qwen2ForCausalLM",
    switches=_switches,
    layer_places=split_places,
    defaults={"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28},
)
