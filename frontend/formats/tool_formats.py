"""The tool formats that Penstock knows: a table. Third parties add theirs by entry point."""

from penstock.frontend.formats.declarations import ToolFormat
from penstock.frontend.formats.shapes.json_call import JsonCall

HERMES = ToolFormat(
    name="hermes",
    opens=("<tool_call>",),
    closes=("</tool_call>",),
    shapes=(JsonCall(),),
    in_list="may",
    signs=(("<tool_call>",),),
)
KNOWN = (HERMES,)
"""In the order in which templates are asked for their signs: the particular before the general."""
ALIASES = {"qwen25": "hermes", "qwen3_json": "hermes", "granite4": "hermes", "smollm3": "hermes"}
