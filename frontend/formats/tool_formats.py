"""The tool formats that Penstock knows: a table. Third parties add theirs by entry point."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.literal import PYTHON, Syntax
from penstock.frontend.formats.shapes.json_call import JsonCall
from penstock.frontend.formats.shapes.literal_call import LiteralCall
from penstock.frontend.formats.shapes.named_json import NamedJson
from penstock.frontend.formats.shapes.tagged import Tagged

_JSON = JsonCall()
_PARAMETERS_JSON = JsonCall(arguments_keys=("parameters", "arguments"), any_members=False)
_PYTHON = LiteralCall(opener="(", assign="=", closer=")", syntax=PYTHON)


def _gemma(quote: str) -> LiteralCall:
    syntax = Syntax(quotes=(quote,), escapes=False, loose=True)
    return LiteralCall(prefix="call:", opener="{", assign=":", closer="}", syntax=syntax)


QWEN3_CODER = ToolFormat(
    name="qwen3_coder",
    opens=("<tool_call>",),
    enters=("<function=",),
    closes=("</tool_call>",),
    shapes=(
        Tagged(
            name_open="<function=",
            name_close=">",
            key_open="<parameter=",
            key_close=">",
            value_close="</parameter>",
            close="</function>",
            closes_early=("</tool_call>",),
            trims_newlines=True,
        ),
    ),
    inner="\n",
    between="\n",
    signs=(("<tool_call>", "<function=", "<parameter="),),
)
SEED_OSS = ToolFormat(
    name="seed_oss",
    opens=("<seed:tool_call>",),
    closes=("</seed:tool_call>",),
    shapes=(
        Tagged(
            name_open="<function=",
            name_close=">",
            key_open="<parameter=",
            key_close=">",
            value_close="</parameter>",
            close="</function>",
            closes_early=("</seed:tool_call>",),
        ),
    ),
    inner="\n",
    between="\n",
    signs=(("<seed:tool_call>",),),
)
MINIMAX_M2 = ToolFormat(
    name="minimax_m2",
    opens=("<minimax:tool_call>",),
    closes=("</minimax:tool_call>",),
    shapes=(
        Tagged(
            name_open='<invoke name="',
            name_close='">',
            key_open='<parameter name="',
            key_close='">',
            value_close="</parameter>",
            close="</invoke>",
            closes_early=("</minimax:tool_call>",),
        ),
    ),
    together=True,
    inner="\n",
    between="\n",
    signs=(("<minimax:tool_call>",),),
)
GLM45 = ToolFormat(
    name="glm45",
    opens=("<tool_call>",),
    closes=("</tool_call>",),
    shapes=(
        Tagged(
            key_open="<arg_key>",
            key_close="</arg_key>",
            value_open="<arg_value>",
            value_close="</arg_value>",
            closes_early=("</tool_call>",),
        ),
    ),
    many=False,
    between="\n",
    signs=(("<arg_key>",),),
)
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
_MISTRAL_NAMED = NamedJson(asides=("[CALL_ID]",), name_end="[ARGS]")
MISTRAL = ToolFormat(
    name="mistral",
    opens=("[TOOL_CALLS]",),
    shapes=(_MISTRAL_NAMED, _JSON),
    in_list="may",
    many=False,
    signs=(("[TOOL_CALLS]", "[ARGS]"),),
)
MISTRAL_JSON = ToolFormat(
    name="mistral_json",
    opens=("[TOOL_CALLS]",),
    shapes=(_JSON, _MISTRAL_NAMED),
    in_list="should",
    many=False,
    together=True,
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
GEMMA4 = ToolFormat(
    name="gemma4",
    opens=("<|tool_call>",),
    closes=("<tool_call|>",),
    shapes=(_gemma('<|"|>'),),
    signs=(("<|tool_call>",),),
)
FUNCTIONGEMMA = ToolFormat(
    name="functiongemma",
    opens=("<start_function_call>",),
    closes=("<end_function_call>",),
    shapes=(_gemma("<escape>"),),
    signs=(("<start_function_call>",),),
)
COMMAND_R7B = ToolFormat(
    name="command_r7b",
    opens=("<|START_ACTION|>",),
    closes=("<|END_ACTION|>",),
    shapes=(
        JsonCall(name_key="tool_name", arguments_keys=("parameters",), number_key="tool_call_id"),
    ),
    in_list="should",
    together=True,
    signs=(("<|START_ACTION|>",),),
)
NEMOTRON = ToolFormat(
    name="nemotron",
    opens=("<TOOLCALL>",),
    closes=("</TOOLCALL>",),
    shapes=(_JSON,),
    in_list="should",
    together=True,
    signs=(("<TOOLCALL>",),),
)
LFM2 = ToolFormat(
    name="lfm2",
    opens=("<|tool_call_start|>",),
    closes=("<|tool_call_end|>",),
    shapes=(_PYTHON, _JSON),
    in_list="should",
    together=True,
    signs=(("<|tool_call_start|>",), ("<|tool_list_start|>",)),
)
PHI4 = ToolFormat(
    name="phi4_mini_json",
    opens=("functools", "<|tool_call|>"),
    closes=("<|/tool_call|>",),
    closed=False,
    shapes=(_JSON,),
    in_list="must",
    together=True,
    signs=(("functools[",), ("<|tool|>", "<|/tool|>")),
)
JAMBA = ToolFormat(
    name="jamba",
    opens=("<tool_calls>",),
    closes=("</tool_calls>",),
    shapes=(_JSON,),
    in_list="should",
    together=True,
    signs=(("<tool_calls>",),),
)
OLMO3 = ToolFormat(
    name="olmo3",
    opens=("<function_calls>",),
    closes=("</function_calls>",),
    shapes=(_PYTHON,),
    in_list="may",
    together=True,
    inner="\n",
    between="\n",
    signs=(("<function_calls>",),),
)
GRANITE = ToolFormat(
    name="granite",
    opens=("<|tool_call|>", "<tool_call>"),
    closes=("</tool_call>",),
    closed=False,
    shapes=(_JSON,),
    in_list="should",
    together=True,
    signs=(("<|tool_call|>",),),
)
HERMES = ToolFormat(
    name="hermes",
    opens=("<tool_call>",),
    closes=("</tool_call>",),
    shapes=(_JSON,),
    in_list="may",
    inner="\n",
    between="\n",
    signs=(("<tool_call>",),),
)
PYTHONIC = ToolFormat(
    name="pythonic",
    opens=("<|python_start|>",),
    closes=("<|python_end|>",),
    shapes=(_PYTHON,),
    in_list="must",
    together=True,
    bare=True,
    signs=(("<|python_start|>",), ("func_name1(",)),
)
LLAMA3_JSON = ToolFormat(
    name="llama3_json",
    opens=("<|python_tag|>",),
    shapes=(_PARAMETERS_JSON,),
    in_list="may",
    separators=";",
    bare=True,
    together=True,
    between="; ",
    signs=(('{"name": ', '"parameters": ', "<|eot_id|>"),),
)
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
