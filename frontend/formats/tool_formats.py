"""The tool formats that Penstock knows: a table. Third parties add theirs by entry point."""

from penstock.frontend.formats.declared.code import FUNCTIONGEMMA, GEMMA4, LFM2, OLMO3, PYTHONIC
from penstock.frontend.formats.declared.json_calls import (
    COMMAND_R7B,
    GRANITE,
    HERMES,
    JAMBA,
    LLAMA3_JSON,
    NEMOTRON,
    PHI4,
)
from penstock.frontend.formats.declared.named_json import (
    DEEPSEEK_V3,
    DEEPSEEK_V31,
    HARMONY,
    KIMI_K2,
    MISTRAL,
    MISTRAL_JSON,
)
from penstock.frontend.formats.declared.tagged import GLM45, MINIMAX_M2, QWEN3_CODER, SEED_OSS

KNOWN = (
    QWEN3_CODER, SEED_OSS, MINIMAX_M2, GLM45, KIMI_K2, DEEPSEEK_V3, DEEPSEEK_V31, MISTRAL, MISTRAL_JSON, HARMONY,
    GEMMA4, FUNCTIONGEMMA, COMMAND_R7B, NEMOTRON, LFM2, PHI4, JAMBA, OLMO3, GRANITE, HERMES,
    PYTHONIC, LLAMA3_JSON,
)  # fmt: skip
"""In the order in which templates are asked for their signs: the particular before the general."""
ALIASES = {
    "qwen": "hermes",
    "qwen25": "hermes",
    "qwen3_json": "hermes",
    "granite4": "hermes",
    "smollm3": "hermes",
    "qwen3_xml": "qwen3_coder",
    "step3p5": "qwen3_coder",
    "mimo": "qwen3_coder",
    "nemotron_v3": "qwen3_coder",
    "glm47": "glm45",
    "gemma": "gemma4",
    "phi4": "phi4_mini_json",
    "cohere_command3": "command_r7b",
    "hunyuan_a13b": "jamba",
    "gpt_oss": "openai",
    "llama4_json": "llama3_json",
    "llama4_pythonic": "pythonic",
    "llama3_pythonic": "pythonic",
}
"""Further names, most of them vLLM's."""
