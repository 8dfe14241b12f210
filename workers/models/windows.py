"""Reads which layers see only a sliding window. Knows no family."""

from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Windows


def no_windows(config: ConfigJson) -> Windows:
    return (None,) * config.integer("num_hidden_layers")


def same_windows(config: ConfigJson) -> Windows:
    """`sliding_window` holds for every layer (Mistral, Phi-3)."""
    if not config.has("sliding_window"):
        return no_windows(config)
    return (config.integer("sliding_window"),) * config.integer("num_hidden_layers")


def chosen_windows(config: ConfigJson) -> Windows:
    """`use_sliding_window` turns it on, for the layers from `max_window_layers` or by `layer_types` (Qwen)."""
    if not config.flag("use_sliding_window", False) or not config.has("sliding_window"):
        return no_windows(config)
    window = config.integer("sliding_window")
    return tuple(window if slides else None for slides in _sliding_layers(config))


def _sliding_layers(config: ConfigJson) -> list[bool]:
    num_layers = config.integer("num_hidden_layers")
    if not config.has("layer_types"):
        first = config.values["max_window_layers"]
        return [layer >= first for layer in range(num_layers)]
    types = config.texts("layer_types", num_layers)
    if not set(types) <= {"full_attention", "sliding_attention"}:
        raise config.refusal("layer_types", "full_attention and sliding_attention")
    return [type_ == "sliding_attention" for type_ in types]
