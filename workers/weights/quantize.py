"""Decides that a model's matrices are kept in fewer bits. Knows its layers, not how they are rounded."""

from penstock.workers.models.basic_layers import Matrix
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.quantization import Quantization, not_quantizable, refusal


def quantize(model: DecoderModel, quantization: Quantization) -> None:
    """Before they are allocated: all but routers. Raises ModelError where it cannot be."""
    if reason := not_quantizable(quantization, model.config.product_widths):
        raise refusal(quantization, reason)
    for module in list(model.modules()):
        if isinstance(module, Matrix):
            module.quantize(quantization)
