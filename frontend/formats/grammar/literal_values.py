"""Values in a dialect whose strings have quotes of their own, as Gemma's. Knows no calls."""

import re

from penstock.frontend.formats.grammar.errors import unwritable
from penstock.frontend.formats.grammar.raw_text import raw_string
from penstock.frontend.formats.grammar.rules import Rules, either, members, quoted
from penstock.frontend.formats.grammar.schemas import (
    Schema,
    alternatives,
    as_schema,
    bound,
    is_free,
    properties,
    resolved,
    standalone,
    types,
)
from penstock.frontend.formats.schema_types import ANY
from penstock.frontend.formats.tools import ToolSpec

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SCALARS = frozenset(("number", "integer", "boolean", "null"))
_NO_OTHERS: frozenset[str] = frozenset()
_MAX_MEMBERS = 64


class QuotedValues:
    """Writes each schema once, so that those that refer to themselves end."""

    def __init__(self, rules: Rules, tool: ToolSpec, quote: str) -> None:
        self._rules = rules
        self._tool = tool
        self._quote = quote
        self._written: dict[int, tuple[Schema, str]] = {}
        """By identity; the schema is kept, so that no other gets its id."""

    def value(self, schema: Schema) -> str:
        schema = resolved(schema, self._tool)
        if id(schema) not in self._written:
            name = self._rules.declare()
            self._written[id(schema)] = schema, name
            self._rules.define(name, either(self._options(schema)))
        return self._written[id(schema)][1]

    def object(self, schema: Schema) -> str:
        """Its members, without braces."""
        named = [
            (f"{self.key(each.name)} {quoted(':')} {self.value(each.schema)}", each.required)
            for each in properties(schema)
        ]
        further = schema.get("additionalProperties", not named)
        if named or further is False:
            return members(self._rules, named, ",")
        member = f"/[A-Za-z_][A-Za-z0-9_]{{0,63}}/ {quoted(':')} {self.value(as_schema(further))}"
        return self._some(member, 0, _MAX_MEMBERS)

    def key(self, name: str) -> str:
        if _BARE_KEY.fullmatch(name):
            return quoted(name)
        if self._quote in name:
            raise unwritable(name)
        return " ".join(
            (self._rules.literal(self._quote), quoted(name), self._rules.literal(self._quote))
        )

    def _options(self, schema: Schema) -> list[str]:
        options = alternatives(schema, self._tool)
        if len(options) == 1:
            return self._of_each_type(options[0])
        return [self.value(each) for each in options]

    def _of_each_type(self, schema: Schema) -> list[str]:
        kinds = types(schema, self._tool)
        if is_free(schema):
            kinds = ANY - {"object", "array"}
        found = []
        if "string" in kinds:
            found.append(self._string(schema))
        if scalars := kinds & _SCALARS:
            allowed = {**standalone(schema, self._tool), "type": sorted(scalars)}
            found.append(self._rules.json(allowed, not self._tool.strict))
        if "array" in kinds:
            found.append(self._array(schema))
        if "object" in kinds:
            found.append(f"{quoted('{')} {self.object(schema)} {quoted('}')}")
        return found

    def _string(self, schema: Schema) -> str:
        text = raw_string(self._rules, schema, self._quote, self._quote, _NO_OTHERS)
        return f"{self._rules.literal(self._quote)} {text}"

    def _array(self, schema: Schema) -> str:
        low = bound(schema, "minItems", 0)
        high = bound(schema, "maxItems", max(low, _MAX_MEMBERS))
        item = self.value(as_schema(schema.get("items", True)))
        return f"{quoted('[')} {self._some(item, low, high)} {quoted(']')}"

    def _some(self, item: str, low: int, high: int) -> str:
        if high < 1:
            return quoted("", empty=True)
        some = item
        if high > 1:
            some += f" ({quoted(',')} {item}){{{max(low - 1, 0)},{high - 1}}}"
        return some if low else f"({some})?"
