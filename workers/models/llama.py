"""The Llama family: optional biases, no windows. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family, Switches, split_places
from penstock.workers.models.windows import no_windows


def _switches(config: ConfigJson) -> Switches:
    has_attention_bias = config.flag("attention_bias", False)
    return Switches(
        windows=no_windows(config),
        qkv_bias=has_attention_bias,
        o_bias=has_attention_bias,
        mlp_bias=config.flag("mlp_bias", False),
    )


LLAMA = Family(
    architecture="LlamaForCausalLM",
    switches=_switches,
    layer_places=split_places,
)
