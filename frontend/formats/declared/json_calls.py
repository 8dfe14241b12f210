"""Formats that write name and arguments as one JSON object."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.shapes.json_call import JsonCall

JSON = JsonCall()

HERMES = ToolFormat(
    name="hermes",
    opens=("<tool_call>",),
    closes=("</tool_call>",),
    shapes=(JSON,),
    in_list="may",
    inner="\n",
    between="\n",
    signs=(("<tool_call>",),),
)
GRANITE = ToolFormat(
    name="granite",
    opens=("<|tool_call|>", "<tool_call>"),
    closes=("</tool_call>",),
    closed=False,
    shapes=(JSON,),
    in_list="should",
    together=True,
    signs=(("<|tool_call|>",),),
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
    shapes=(JSON,),
    in_list="should",
    together=True,
    signs=(("<TOOLCALL>",),),
)
JAMBA = ToolFormat(
    name="jamba",
    opens=("<tool_calls>",),
    closes=("</tool_calls>",),
    shapes=(JSON,),
    in_list="should",
    together=True,
    signs=(("<tool_calls>",),),
)
PHI4 = ToolFormat(
    name="phi4_mini_json",
    opens=("functools", "<|tool_call|>"),
    closes=("<|/tool_call|>",),
    closed=False,
    shapes=(JSON,),
    in_list="must",
    together=True,
    signs=(("functools[",), ("<|tool|>", "<|/tool|>")),
)
LLAMA3_JSON = ToolFormat(
    name="llama3_json",
    opens=("<|python_tag|>",),
    shapes=(JsonCall(arguments_keys=("parameters", "arguments"), any_members=False),),
    in_list="may",
    separators=";",
    together=True,
    between="; ",
    bare=True,
    signs=(('{"name": ', '"parameters": ', "<|eot_id|>"),),
)
