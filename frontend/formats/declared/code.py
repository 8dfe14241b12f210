"""Formats that write calls as a programmer does."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.literal import PYTHON, Syntax
from penstock.frontend.formats.shapes.json_call import JsonCall
from penstock.frontend.formats.shapes.literal_call import LiteralCall

_PYTHON = LiteralCall(opener="(", assign="=", closer=")", syntax=PYTHON)


def _gemma(quote: str) -> LiteralCall:
    syntax = Syntax(quotes=(quote,), escapes=False, loose=True)
    return LiteralCall(prefix="call:", opener="{", assign=":", closer="}", syntax=syntax)


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
LFM2 = ToolFormat(
    name="lfm2",
    opens=("<|tool_call_start|>",),
    closes=("<|tool_call_end|>",),
    shapes=(_PYTHON, JsonCall()),
    in_list="should",
    together=True,
    signs=(("<|tool_call_start|>",), ("<|tool_list_start|>",)),
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
