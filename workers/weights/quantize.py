"""Decides that a model's matrices are kept in fewer bits. Knows its layers, not how they are rounded."""

from penstock.workers.model_config import ModelConfig
from penstock.workers.models.basic_layers import Matrix
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.models.quantized_matrix import not_quantizable
from penstock.workers.quantization import Quantization, refusal


def quantize(model: DecoderModel, quantization: Quantization) -> None:
    """Before they are allocated: all of them, the embedding and the head too. Raises ModelError where it cannot be."""
    if reason := _unsuited(model.config, quantization):
        raise refusal(quantization, reason)
    for module in list(model.modules()):
        if isinstance(module, Matrix):
            module.quantize(quantization)


def _unsuited(config: ModelConfig, quantization: Quantization) -> str | None:
    if config.experts is not None:
        return "mixtures of experts are not rounded"
    widths = (config.hidden_size, config.q_size, config.intermediate_size)
    return not_quantizable(quantization, widths)
