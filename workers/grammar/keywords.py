"""Keywords that the grammar engine lacks, said in those that it has. Knows what keywords mean, no grammar.

    dependentRequired {a: [b]}      anyOf [no a, required [a, b]]
    if A then B else C              anyOf [A and B, not A and C]
    not {required: [a]}             an object without a

Each is exact. What has no equal is left as it is, for the engine to refuse.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from penstock.workers.grammar.names import without_property_names
from penstock.workers.grammar.negation import NoNegationError, any_of, negated, opened, without
from penstock.workers.grammar.references import Document, meaningful
from penstock.workers.grammar.schema import rewritten
from penstock.workers.grammar.unevaluated import without_unevaluated

Schema = dict[str, Any]


def with_known_keywords(schema: Schema) -> Schema:
    """The whole schema, and all that is in it."""
    plain = rewritten(schema, partial(without_unevaluated, document=Document(schema)))
    known: Schema = rewritten(plain, partial(_in_known_keywords, document=Document(plain)))
    return known


def _in_known_keywords(schema: Schema, document: Document) -> Schema:
    for change in _CHANGES:
        schema = change(schema, document)
    return schema


def _without_effectless(schema: Schema, _document: Document) -> Schema:
    dropped = {key for key, has_none in _EFFECTLESS.items() if key in schema and has_none(schema)}
    return {key: value for key, value in schema.items() if key not in dropped}


def _contains_nothing(schema: Schema) -> bool:
    return "contains" not in schema or (
        _is_zero(schema.get("minContains")) and ("maxContains" not in schema)
    )


def _is_zero(value: Any) -> bool:
    return value == 0 and not isinstance(value, bool)


def _has_one_item(schema: Schema) -> bool:
    most = schema.get("maxItems")
    return schema["uniqueItems"] is False or (isinstance(most, int) and most <= 1)


_EFFECTLESS: dict[str, Callable[[Schema], bool]] = {
    "uniqueItems": _has_one_item,
    "contains": _contains_nothing,
    "minContains": _contains_nothing,
    "maxContains": lambda schema: "contains" not in schema,
    "if": lambda schema: not schema.keys() & {"then", "else"},
    "then": lambda schema: "if" not in schema,
    "else": lambda schema: "if" not in schema,
}
"""Keywords, and whether a schema that has one asks nothing by it."""


def _without_dependent_required(schema: Schema, _document: Document) -> Schema:
    asked = schema.get("dependentRequired")
    if not isinstance(asked, dict) or not all(isinstance(names, list) for names in asked.values()):
        return schema
    conditions = [
        any_of([without(name), {"required": [name, *others]}])
        for name, others in asked.items()
        if others
    ]
    return _with_all(schema, {"dependentRequired"}, conditions)


def _without_dependent_schemas(schema: Schema, _document: Document) -> Schema:
    asked = schema.get("dependentSchemas")
    if not isinstance(asked, dict):
        return schema
    conditions = [
        any_of([without(name), part is not False and _with_member(name, part)])
        for name, part in asked.items()
        if part is not True
    ]
    return _with_all(schema, {"dependentSchemas"}, conditions)


def _with_member(name: str, part: Any) -> Schema:
    return {"required": [name], "allOf": [opened(part)]}


def _without_not(schema: Schema, document: Document) -> Schema:
    if "not" not in schema:
        return schema
    return _with_all(schema, {"not"}, [negated(schema["not"], document, schema)])


def _without_if(schema: Schema, document: Document) -> Schema:
    if "if" not in schema:
        return schema
    otherwise = negated(schema["if"], document, schema)
    branches = [
        {"allOf": [opened(schema["if"]), opened(schema.get("then", True))]},
        {"allOf": [otherwise, opened(schema.get("else", True))]},
    ]
    return _with_all(schema, {"if", "then", "else"}, [any_of(branches)])


def _without_one_of_required(schema: Schema, document: Document) -> Schema:
    """Other branches the engine tells apart, or refuses: it does so for fewer words."""
    branches = schema.get("oneOf")
    if not isinstance(branches, list) or not all(_asks_for_members(part) for part in branches):
        return schema
    others = [negated(part, document) for part in branches]
    alone = [
        {"allOf": [part, *others[:place], *others[place + 1 :]]}
        for place, part in enumerate(branches)
    ]
    return _with_all(schema, {"oneOf"}, [any_of(alone)])


def _asks_for_members(schema: Any) -> bool:
    return isinstance(schema, dict) and meaningful(schema).keys() == {"required"}


def _where_negation_is_known(
    change: Callable[[Schema, Document], Schema], schema: Schema, document: Document
) -> Schema:
    try:
        return change(schema, document)
    except NoNegationError:
        return schema


def _with_all(schema: Schema, dropped: set[str], conditions: list[Any]) -> Schema:
    """`schema` without the keywords `dropped`, and with all of `conditions`."""
    others = schema.get("allOf", [])
    if not isinstance(others, list):
        return schema  # for the engine to refuse
    rest = {key: value for key, value in schema.items() if key not in dropped}
    asked = [condition for condition in conditions if condition is not True]
    return {**rest, "allOf": [*others, *asked]} if asked else rest


_CHANGES: tuple[Callable[[Schema, Document], Schema], ...] = (
    _without_effectless,
    without_property_names,
    _without_dependent_required,
    _without_dependent_schemas,
    partial(_where_negation_is_known, _without_not),
    partial(_where_negation_is_known, _without_if),
    partial(_where_negation_is_known, _without_one_of_required),
)
