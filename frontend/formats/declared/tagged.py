"""Formats that put tags around a function and each of its arguments."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.shapes.tagged import Tagged


def _functions(closer: str, trims_newlines: bool) -> Tagged:
    return Tagged(
        name_open="<function=",
        name_close=">",
        key_open="<parameter=",
        key_close=">",
        value_close="</parameter>",
        close="</function>",
        closes_early=(closer,),
        trims_newlines=trims_newlines,
    )


QWEN3_CODER = ToolFormat(
    name="qwen3_coder",
    opens=("<tool_call>",),
    enters=("<function=",),
    closes=("</tool_call>",),
    shapes=(_functions("</tool_call>", trims_newlines=True),),
    inner="\n",
    between="\n",
    signs=(("<tool_call>", "<function=", "<parameter="),),
)
SEED_OSS = ToolFormat(
    name="seed_oss",
    opens=("<seed:tool_call>",),
    closes=("</seed:tool_call>",),
    shapes=(_functions("</seed:tool_call>", trims_newlines=False),),
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
