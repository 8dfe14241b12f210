"""Finds out how a chat template wants tool calls, by trying. Does not know how templates are rendered.

Templates disagree: some concatenate the content that a calling message lacks, some test whether it is none,
some parse arguments, some paste them. The first form that renders and shows the arguments as JSON is
taken; transformers' own form is the first to be tried, so what works there is rendered alike here.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, Literal

import msgspec

from penstock.frontend.text.errors import TemplateError, TemplateTimeoutError
from penstock.frontend.text.template_traits import TemplateTraits

_NEEDLE = "penstock-probe"
_PYTHON_SPELLING = str({"at": _NEEDLE})
PROBE: dict[str, list[dict[str, Any]]] = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "Looks",
                "parameters": {
                    "type": "object",
                    "properties": {"at": {"type": "string", "description": "Where"}},
                    "required": ["at"],
                },
            },
        }
    ],
    "messages": [
        {"role": "user", "content": "Look"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call00000",
                    "type": "function",
                    "function": {"name": "look", "arguments": {"at": _NEEDLE}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call00000", "name": "look", "content": "Seen"},
    ],
}
_ARGUMENTS: tuple[Literal["object", "text"], ...] = ("object", "text")
_CONTENTS = (msgspec.UNSET, "", None)


def probe(traits: TemplateTraits, render: Callable[[TemplateTraits], str]) -> TemplateTraits:
    """`render` shows PROBE in the form that the traits ask for. At worst a form that renders is taken."""
    fallback = None
    for arguments, content in product(_ARGUMENTS, _CONTENTS):
        trial = msgspec.structs.replace(traits, arguments=arguments, content_of_calls=content)
        try:
            text = render(trial)
        except TemplateTimeoutError:
            break
        except TemplateError:
            continue
        if _NEEDLE in text and _PYTHON_SPELLING not in text:
            return trial
        fallback = fallback or trial
    return fallback or traits
