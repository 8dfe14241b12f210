"""Calls that are forced, all the way from a request's tools to the tokens that may come."""

import json

import pytest
from support.answers import parsed
from support.grammars import BROOK, EOS, TOKENIZER, drawn, matcher_of
from support.small_schema import is_valid

from penstock.frontend.formats import AnswerFormat, ToolSpec, calls_grammar, tool_format
from penstock.frontend.formats.tool_formats import KNOWN
from penstock.protocol.constraint import Constraint

ADDED = {each["content"]: each["id"] for each in json.loads(TOKENIZER.read_text())["added_tokens"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "size": {"type": "integer", "minimum": 3, "maximum": 12},
        "words": {
            "type": "array",
            "items": {"type": "string", "maxLength": 3},
            "minItems": 1,
            "maxItems": 2,
        },
    },
    "required": ["kind", "size", "words"],
    "additionalProperties": False,
}
BEYOND_GRAMMARS = {**SCHEMA, "not": {"properties": {"size": {"const": 4}}}}
"""`not` is ignored unless the tool is strict; all else holds."""


@pytest.mark.parametrize("schema", [SCHEMA, BEYOND_GRAMMARS], ids=["plain", "beyond grammars"])
@pytest.mark.parametrize("name", sorted(each.name for each in KNOWN))
def test_the_arguments_of_a_tool_that_is_not_strict_obey_its_schema(
    name: str, schema: dict[str, object]
) -> None:
    tool = ToolSpec("look", schema, strict=False)
    grammar = calls_grammar(tool_format(name), [tool], False, ADDED)
    for seed in range(4):
        said = [*drawn(matcher_of(Constraint("grammar", grammar)), seed)]
        text = BROOK.tokenizer.decode_str([token for token in said if token not in EOS])
        _, content, calls = parsed(AnswerFormat(tool_format(name)).parser([tool]), [text])
        assert content == "", text
        ((called, arguments),) = calls
        assert called == "look"
        assert is_valid(json.loads(arguments), SCHEMA), text
