"""Formats that write a function's name in plain text and its arguments as JSON."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.declared.json_calls import JSON
from penstock.frontend.formats.shapes.named_json import NamedJson

KIMI_K2 = ToolFormat(
    name="kimi_k2",
    opens=("<|tool_calls_section_begin|>",),
    closes=("<|tool_calls_section_end|>",),
    shapes=(
        NamedJson(
            open="<|tool_call_begin|>",
            prefix="functions.",
            numbered=True,
            name_end="<|tool_call_argument_begin|>",
            close="<|tool_call_end|>",
        ),
    ),
    together=True,
    call_id="functions.{name}:{index}",
    signs=(("<|tool_calls_section_begin|>",),),
)
DEEPSEEK_V3 = ToolFormat(
    name="deepseek_v3",
    opens=("<｜tool▁calls▁begin｜>",),
    closes=("<｜tool▁calls▁end｜>",),
    shapes=(
        NamedJson(
            open="<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
            name_end="\n",
            before="```json\n",
            after="\n```",
            close="<｜tool▁call▁end｜>",
        ),
    ),
    together=True,
    between="\n",
    signs=(("<｜tool▁call▁begin｜>", "```json"),),
)
DEEPSEEK_V31 = ToolFormat(
    name="deepseek_v31",
    opens=("<｜tool▁calls▁begin｜>",),
    closes=("<｜tool▁calls▁end｜>",),
    shapes=(
        NamedJson(
            open="<｜tool▁call▁begin｜>", name_end="<｜tool▁sep｜>", close="<｜tool▁call▁end｜>"
        ),
    ),
    together=True,
    signs=(("<｜tool▁call▁begin｜>",),),
)
_MISTRAL = NamedJson(asides=("[CALL_ID]",), name_end="[ARGS]")
MISTRAL = ToolFormat(
    name="mistral",
    opens=("[TOOL_CALLS]",),
    shapes=(_MISTRAL, JSON),
    in_list="may",
    many=False,
    call_id="{random9}",
    signs=(("[TOOL_CALLS]", "[ARGS]"),),
)
MISTRAL_JSON = ToolFormat(
    name="mistral_json",
    opens=("[TOOL_CALLS]",),
    shapes=(JSON, _MISTRAL),
    in_list="should",
    many=False,
    together=True,
    call_id="{random9}",
    signs=(("[TOOL_CALLS]",),),
)
HARMONY = ToolFormat(
    name="openai",
    opens=(
        "<|channel|>commentary to=functions.",
        "<|start|>assistant to=functions.",
        " to=functions.",
    ),
    shapes=(
        NamedJson(
            asides=(" ", "<|channel|>", "<|constrain|>"),
            written_aside=" <|constrain|>json",
            name_end="<|message|>",
            close="<|call|>",
        ),
    ),
    many=False,
    signs=(("<|channel|>", "<|message|>", "functions."),),
)
