"""Parameters that would change the answer and are not served by this version. Never ignored, always named."""

from collections.abc import Mapping, Set
from typing import Any

import msgspec

from penstock.frontend.errors import bad_request

UNSUPPORTED = {
    "suffix": "Filling in the middle outside of /v1/completions",
    "prompt_embeds": "Prompt embeddings",
    "functions": "Function calling by `functions`",
    "function_call": "Function calling by `function_call`",
    "modalities": "Output other than text",
    "audio": "Audio output",
    "mm_payload": "Multimodal input",
    "mm_processor_kwargs": "Multimodal input",
    "media_io_kwargs": "Multimodal input",
    "thinking_token_budget": "A budget of thinking tokens",
    "kv_transfer_params": "Transfer of KV caches",
    "ec_transfer_params": "Transfer of encoder caches",
    "logits_processors": "A request's own logits processors",
    "return_token_offsets": "Offsets of tokens",
    "routed_experts_prompt_start": "Routing of experts in the answer",
    "vllm_xargs": "Arguments of plugins",
    "watermarking": "Watermarking",
}
_IDLE: dict[str, Any] = {
    "function_call": "none",
    "modalities": ["text"],
    "thinking_token_budget": -1,
}
"""What clients send that do not mean to use a parameter; for each of them also null, false and the empty."""


def refuse_unsupported(given: Mapping[str, msgspec.Raw], names: Set[str]) -> None:
    """Raises for a parameter in `given`, of those `names`, that asks for what cannot be done."""
    for name in sorted(given.keys() & names):
        if not _means_nothing(name, msgspec.json.decode(given[name])):
            raise bad_request(
                f"{UNSUPPORTED[name]} ({name}) is not supported by this version.", name
            )


def _means_nothing(name: str, value: Any) -> bool:
    """0 is not nothing: as a budget it is the strictest of all."""
    return value is None or value is False or value in ("", [], {}, _IDLE.get(name))
