"""The Phi-3 family: its checkpoints are fused already. Knows its names and switches only."""

from penstock.workers.model_config import ModelConfig
from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import Family, Switches, common_places, linear_places
from penstock.workers.models.place import Place
from penstock.workers.models.windows import same_windows


def _switches(config: ConfigJson) -> Switches:
    return Switches(windows=same_windows(config))


def _layer_places(config: ModelConfig) -> dict[str, Place]:
    qkv_size = config.q_size + 2 * config.kv_size
    return {
        **linear_places("self_attn.qkv_proj", "attention.qkv", 0, qkv_size),
        **linear_places("mlp.gate_up_proj", "mlp.gate_up", 0, 2 * config.intermediate_size),
        **common_places(config),
    }


PHI3 = Family(
    architecture="Phi3ForCausalLM",
    switches=_switches,
    layer_places=_layer_places,
    defaults={"rms_norm_eps": 1e-5, "original_max_position_embeddings": 4096},
)
