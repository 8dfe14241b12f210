"""Mixtures of experts in configs and checkpoints. Knows keys and names, no tensors.

A rank's parameters hold the experts one after another, as the checkpoint's files do by number:

    mlp.experts.gate_up.weight  [ gate 0 | up 0 | gate 1 | up 1 | ... ]
    mlp.experts.down.weight     [ down 0 | down 1 | ... ]
"""

from penstock.workers.model_config import ExpertsConfig, ModelConfig
from penstock.workers.models.config_json import ConfigJson
from penstock.workers.models.family import split_places
from penstock.workers.models.place import Place


def qwen_experts(config: ConfigJson, shared_width: int = 0) -> ExpertsConfig:
    """As Qwen2-MoE and Qwen3-MoE tell of them."""
    num_experts = _num_experts(config)
    return ExpertsConfig(
        num_experts=num_experts,
        num_chosen=num_chosen(config, num_experts),
        width=config.integer("moe_intermediate_size"),
        normalizes=config.flag("norm_topk_prob", False),
        layers=_sparse_layers(config),
        shared_width=shared_width,
    )


def num_chosen(config: ConfigJson, num_experts: int) -> int:
    """Of each token. Raises ModelError where there are not so many."""
    count = config.integer("num_experts_per_tok")
    if count > num_experts:
        raise config.refusal("num_experts_per_tok", f"1 to {num_experts}, the number of experts")
    return count


def _num_experts(config: ConfigJson) -> int:
    """transformers 5 has another name for it in Qwen3-MoE."""
    key = "num_experts" if config.has("num_experts") else "num_local_experts"
    return config.integer(key)


def _sparse_layers(config: ConfigJson) -> tuple[bool, ...]:
    """Every `decoder_sparse_step`-th, but for `mlp_only_layers`."""
    step, dense = config.integer("decoder_sparse_step", 1), config.integers("mlp_only_layers")
    return tuple(
        layer not in dense and (layer + 1) % step == 0
        for layer in range(config.integer("num_hidden_layers"))
    )


def qwen_places(config: ModelConfig) -> dict[str, Place]:
    """Dense layers as ever; experts, a router, and perhaps an expert for all."""
    experts = config.experts
    assert experts is not None
    shared = experts.shared_width
    return {
        **split_places(config),
        **expert_places(experts, config.hidden_size, "mlp", ("gate_proj", "up_proj", "down_proj")),
        "mlp.gate.weight": Place("mlp.router.weight", 0, experts.num_experts),
        "mlp.shared_expert.gate_proj.weight": Place("mlp.shared.gate_up.weight", 0, shared),
        "mlp.shared_expert.up_proj.weight": Place("mlp.shared.gate_up.weight", shared, shared),
        "mlp.shared_expert.down_proj.weight": Place(
            "mlp.shared.down.weight", 0, config.hidden_size
        ),
        "mlp.shared_expert_gate.weight": Place("mlp.shared_gate.weight", 0, 1),
    }


def expert_places(
    experts: ExpertsConfig, hidden_size: int, where: str, names: tuple[str, str, str]
) -> dict[str, Place]:
    """`names` are those of gate, up and down within an expert."""
    found, width = {}, experts.width
    for expert in range(experts.num_experts):
        name, first = f"{where}.experts.{expert}", 2 * expert * width
        gate, up, down = (f"{name}.{part}.weight" for part in names)
        found[gate] = Place("mlp.experts.gate_up.weight", first, width)
        found[up] = Place("mlp.experts.gate_up.weight", first + width, width)
        found[down] = Place("mlp.experts.down.weight", expert * hidden_size, hidden_size)
    return found
