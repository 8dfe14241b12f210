"""The Mistral family: Llama without biases, and a window in every layer. Knows its names and switches only."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family, Switches, split_places
from penstock.workers.models.windows import same_windows


def _switches(config: ConfigJson) -> Switches:
    return Switches(windows=same_windows(config))


MISTRAL = Family(
    architecture="MistralForCausalLM",
    switches=_switches,
    layer_places=split_places,
    defaults={"num_key_value_heads": 8, "sliding_window": 4096},
)
