"""What `$ref` points to within one JSON schema. Knows JSON pointers, no other kind of reference."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from penstock.workers.grammar.schema import parts

MOST_STEPS = 16
ANNOTATIONS = frozenset(
    [
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "$comment", "$schema",
    ]
)  # fmt: skip
"""Keywords that no instance can fail."""


def meaningful(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What of it asks something of an instance."""
    return {key: value for key, value in schema.items() if key not in ANNOTATIONS}


class Document:
    """A whole schema, whose parts may point to one another."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._has_one_base = all("$id" not in part for part in parts(root) if part is not root)

    def target(self, reference: object) -> Any:
        """None for what is not a pointer, or points to nothing; a `$id` within would move the base."""
        if not isinstance(reference, str) or reference[:1] != "#" or not self._has_one_base:
            return None
        if reference[1:2] not in ("", "/"):
            return None  # an anchor
        return _at(self._root, reference[1:].split("/")[1:])

    def resolved(self, schema: Any) -> Any:
        """What it says, where it merely points elsewhere. None if that is nowhere to be found."""
        for _ in range(MOST_STEPS):
            if not isinstance(schema, dict) or meaningful(schema).keys() != {"$ref"}:
                return schema
            schema = self.target(schema["$ref"])
        return None


def _at(place: Any, steps: list[str]) -> Any:
    for step in steps:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    return place
