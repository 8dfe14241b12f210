"""The reasoning formats that Penstock knows: a table. Third parties add theirs by entry point."""

from penstock.frontend.formats.declarations import ReasoningFormat

THINK = ReasoningFormat(
    name="qwen3", opens=("<think>",), closes=("</think>",), signs=(("</think>",),)
)
DEEPSEEK_R1 = ReasoningFormat(
    name="deepseek_r1", opens=("<think>",), closes=("</think>",), implied=True
)
KNOWN = (DEEPSEEK_R1, THINK)
"""In the order in which templates are asked for their signs: the particular before the general."""
ALIASES = dict.fromkeys(
    (
        "think", "deepseek_v3", "deepseek_v31", "glm45", "glm47", "minimax_m2", "nemotron_v3",
        "hunyuan_a13b", "ernie45", "step3", "step3p5", "holo2", "mimo", "smollm3", "granite3_3",
    ),
    "qwen3",
)  # fmt: skip
