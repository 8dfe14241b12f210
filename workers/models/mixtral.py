"""The Mixtral family: Mistral with experts in every layer. Knows its names and switches only."""

from penstock.workers.model_config import ExpertsConfig, ModelConfig
from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.experts import expert_places, num_chosen
from penstock.workers.models.family import Family, Switches, split_places
from penstock.workers.models.place import Place
from penstock.workers.models.windows import same_windows


def _switches(config: ConfigJson) -> Switches:
    num_experts = config.integer("num_local_experts")
    experts = ExpertsConfig(
        num_experts=num_experts,
        num_chosen=num_chosen(config, num_experts),
        width=config.integer("intermediate_size"),
        normalizes=True,
        layers=(True,) * config.integer("num_hidden_layers"),
    )
    return Switches(windows=same_windows(config), experts=experts)


def _layer_places(config: ModelConfig) -> dict[str, Place]:
    experts, where = config.experts, "block_sparse_moe"
    assert experts is not None
    return {
        **split_places(config),
        **expert_places(experts, config.hidden_size, where, ("w1", "w3", "w2")),
        f"{where}.gate.weight": Place("mlp.router.weight", 0, experts.num_experts),
    }


MIXTRAL = Family(
    architecture="MixtralForCausalLM",
    switches=_switches,
    layer_places=_layer_places,
    defaults={
        "num_key_value_heads": 8,
        "rms_norm_eps": 1e-5,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    },
)
