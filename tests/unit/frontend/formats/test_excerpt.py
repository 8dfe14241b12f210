"""A part of a schema stands alone with what it refers to, and no more."""

from typing import Any

import pytest

from penstock.frontend.formats.grammar.excerpt import excerpt

LEAF = {"type": "string"}


def test_what_refers_to_nothing_stays() -> None:
    part = {"type": "object", "properties": {"a": LEAF}, "$defs": {"unused": LEAF}}
    assert excerpt(part, {"$defs": {"b": LEAF}}) is part


def test_what_is_referred_to_comes_along_once() -> None:
    reference = {"$ref": "#/$defs/b"}
    root = {"$defs": {"a": LEAF, "b": {"items": {"$ref": "#/$defs/c"}}, "c": reference}}
    assert excerpt({"anyOf": [reference, reference]}, root) == {
        "anyOf": [{"$ref": "#/$defs/0"}, {"$ref": "#/$defs/0"}],
        "$defs": {"0": {"items": {"$ref": "#/$defs/1"}}, "1": {"$ref": "#/$defs/0"}},
    }


@pytest.mark.parametrize(
    ("reference", "root"),
    [
        ("#", LEAF),
        ("#/a/1", {"a": [7, LEAF]}),
        ("#/a~1b/c~0d", {"a/b": {"c~d": LEAF}}),
        ("#/a%20b", {"a b": LEAF}),
    ],
)
def test_a_reference_leads_anywhere(reference: str, root: dict[str, Any]) -> None:
    assert excerpt({"$ref": reference}, root) == {"$ref": "#/$defs/0", "$defs": {"0": LEAF}}


@pytest.mark.parametrize("reference", ["#/$defs/b", "#/a/1", "#/a/x", "http://a/b", "b", ""])
def test_a_reference_that_leads_nowhere_stays(reference: str) -> None:
    part = {"$ref": reference}
    assert excerpt(part, {"$defs": {}, "a": [LEAF]}) == part
