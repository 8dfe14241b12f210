"""The reasoning formats that Penstock knows: a table. Third parties add theirs by entry point."""

from penstock.frontend.formats.declarations import ReasoningFormat

_OPEN, _CLOSE = ("<think>",), ("</think>",)

SEED_OSS = ReasoningFormat(
    name="seed_oss",
    opens=("<seed:think>",),
    closes=("</seed:think>",),
    signs=(("<seed:think>",),),
)
MISTRAL = ReasoningFormat(
    name="mistral", opens=("[THINK]",), closes=("[/THINK]",), signs=(("[THINK]",),)
)
GEMMA4 = ReasoningFormat(
    name="gemma4",
    opens=("<|channel>thought",),
    closes=("<channel|>",),
    signs=(("<|channel>thought",),),
)
COMMAND_R7B = ReasoningFormat(
    name="command_r7b",
    opens=("<|START_THINKING|>",),
    closes=("<|END_THINKING|>",),
    answer_opens=("<|START_RESPONSE|>", "<|START_TEXT|>"),
    answer_closes=("<|END_RESPONSE|>", "<|END_TEXT|>"),
    signs=(("<|START_THINKING|>",),),
)
HARMONY = ReasoningFormat(
    name="openai_gptoss",
    opens=("<|channel|>analysis<|message|>",),
    closes=("<|end|>",),
    turn_opens=("<|start|>assistant",),
    answer_opens=("<|channel|>final<|message|>", "<|channel|>commentary<|message|>"),
    answer_closes=("<|end|>", "<|return|>"),
    signs=(("<|channel|>analysis<|message|>",),),
)
GRANITE = ReasoningFormat(
    name="granite",
    opens=("Here is my thought process:", "Here's my thought process:"),
    closes=("Here is my response:", "Here's my response:"),
    signs=(("Here is my thought process:",), ("Here's my thought process:",)),
)
GRANITE33 = ReasoningFormat(
    name="granite_thinking_parser",
    opens=_OPEN,
    closes=_CLOSE,
    answer_opens=("<response>",),
    answer_closes=("</response>",),
    signs=(("<think></think>", "<response></response>"),),
)
KIMI_K2 = ReasoningFormat(
    name="kimi_k2",
    opens=_OPEN,
    closes=_CLOSE,
    ends_at_calls=True,
    signs=(("</think>", "<|tool_calls_section_begin|>"),),
)
DEEPSEEK_R1 = ReasoningFormat(name="deepseek_r1", opens=_OPEN, closes=_CLOSE, implied=True)
THINK = ReasoningFormat(name="qwen3", opens=_OPEN, closes=_CLOSE, signs=(("</think>",),))
KNOWN = (
    SEED_OSS, MISTRAL, GEMMA4, COMMAND_R7B, HARMONY, GRANITE, GRANITE33, KIMI_K2, DEEPSEEK_R1, THINK,
)  # fmt: skip
"""In the order in which templates are asked for their signs: the particular before the general."""
ALIASES = {
    **dict.fromkeys(
        (
            "think", "deepseek_v3", "deepseek_v31", "glm45", "glm47", "minimax_m2", "nemotron_v3",
            "hunyuan_a13b", "ernie45", "step3", "step3p5", "holo2", "mimo", "smollm3", "olmo3",
        ),
        "qwen3",
    ),
    "cohere_command3": "command_r7b",
    "magistral": "mistral",
    "gemma": "gemma4",
    "gpt_oss": "openai_gptoss",
}  # fmt: skip
"""Further names, most of them vLLM's."""
