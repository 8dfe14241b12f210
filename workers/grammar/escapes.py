"""How characters may be spelled in JSON's strings. Knows schemas' texts, no grammar.

A member whose name is spelled by the numbers of its characters is for a parser the same member, and for the grammar
engine another one, of which the schema says nothing. So none is spelled so, unless there is no other way.
"""

import json
import re
from typing import Any

from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.schema import parts

SHORT = 'nrbtf\\"'
_ONLY_BY_NUMBER = re.compile(r"(?<!\\)(?:\\\\)*\\u00(?:[01][0-9a-f]|7f)")


def allowed_escapes(schema: Any, *, is_lenient: bool = False) -> str:
    """The letters that may follow a backslash. Raises GrammarError where no choice is safe, but for lenient schemas."""
    if not _ONLY_BY_NUMBER.search(json.dumps(schema).replace("\x7f", "\\u007f")):
        return SHORT
    if not is_lenient and any(_leaves_names_open(part) for part in parts(schema)):
        raise GrammarError(
            "control characters beside objects that may have more members than are listed are "
            "not supported: say additionalProperties: false"
        )
    return SHORT + "u"


def _leaves_names_open(schema: dict[str, Any]) -> bool:
    names = schema.keys() & {"properties", "required", "patternProperties"}
    return bool(names) and schema.get("additionalProperties") is not False
