"""The one constraint that a request asks for, in whichever of its spellings. Knows fields, not what they cost."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from penstock.frontend.errors import bad_request
from penstock.frontend.structured import bounds
from penstock.frontend.structured.fields import (
    ResponseFormat,
    StructuredFields,
    StructuredOutputs,
)
from penstock.protocol.constraint import Constraint


class _Asked(NamedTuple):
    name: str
    """Where in the body."""
    constraint: Constraint


def constraint_of(fields: StructuredFields) -> Constraint | None:
    """Raises ApiError, also for several at once."""
    asked = [*_of_response_format(fields.response_format)]
    asked += _of_structured_outputs(fields.structured_outputs)
    asked += _of_guided(fields)
    if not asked:
        return None
    _check_alone(asked, asked[0].name.partition(".")[0])
    return asked[0].constraint


def _check_alone(asked: list[_Asked], param: str) -> None:
    if len(asked) > 1:
        raise bad_request(
            "You can only use one kind of structured outputs constraint but multiple are specified: "
            + ", ".join(name for name, _ in asked),
            param,
        )


# ---- what each kind is made of


def _json(name: str, given: Raw) -> Constraint:
    return Constraint("json_schema", bounds.schema_text(name, given))


def _regex(name: str, given: str) -> Constraint:
    return Constraint("regex", bounds.regex_text(name, given))


def _choice(name: str, given: list[str]) -> Constraint:
    return Constraint("choice", bounds.choices_text(name, given))


def _grammar(name: str, given: str) -> Constraint:
    return Constraint("grammar", bounds.grammar_text(name, given))


def _tag(name: str, given: Raw) -> Constraint:
    return Constraint("structural_tag", bounds.json_text(name, given))


def _json_object(name: str, given: bool) -> Constraint:
    return Constraint("json_object")


_KINDS: dict[str, Callable[[str, Any], Constraint]] = {
    "json": _json,
    "regex": _regex,
    "choice": _choice,
    "grammar": _grammar,
    "json_object": _json_object,
    "structural_tag": _tag,
}


def _asked_in(place: str, fields: Struct, kinds: Iterable[str]) -> Iterator[_Asked]:
    """`place` is what the names of the fields begin with."""
    for kind in kinds:
        name = place + kind
        value = getattr(fields, name.rpartition(".")[2])
        if _is_given(value):
            yield _Asked(name, _KINDS[kind](name, value))


def _is_given(value: object) -> bool:
    """null and false ask for nothing; the empty may, and is then refused."""
    if isinstance(value, Raw):
        return bytes(value) not in (b"", b"null")
    return value is not None and value is not False


# ---- the spellings


def _of_response_format(given: ResponseFormat | None) -> Iterator[_Asked]:
    if given is None or given.type == "text":
        return
    if given.type not in _FORMATS:
        kinds = ", ".join(("text", *_FORMATS))
        reason = f"response_format.type must be one of {kinds}."
        raise bad_request(reason, "response_format", given.type)
    yield _Asked("response_format", _FORMATS[given.type](given))


def _json_schema_format(given: ResponseFormat) -> Constraint:
    if given.json_schema is None:
        raise bad_request(
            "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
            "response_format",
        )
    if not _is_given(given.json_schema.schema):
        raise bad_request("response_format.json_schema.schema is required.", "response_format")
    return _json("response_format.json_schema.schema", given.json_schema.schema)


def _json_object_format(given: ResponseFormat) -> Constraint:
    if _is_given(given.schema):
        return _json("response_format.schema", given.schema)
    return Constraint("json_object")


def _structural_tag_format(given: ResponseFormat) -> Constraint:
    parts = {"structures": given.structures, "triggers": given.triggers, "format": given.format}
    tag = msgspec.json.encode({name: part for name, part in parts.items() if _is_given(part)})
    return _tag("response_format", Raw(tag))


_FORMATS: dict[str, Callable[[ResponseFormat], Constraint]] = {
    "json_object": _json_object_format,
    "json_schema": _json_schema_format,
    "structural_tag": _structural_tag_format,
}


def _of_structured_outputs(given: StructuredOutputs | None) -> Iterator[_Asked]:
    if given is None:
        return
    asked = [*_asked_in("structured_outputs.", given, _KINDS)]
    if not asked:
        raise bad_request(
            "You must use one kind of structured outputs constraint but none are specified: "
            f"structured_outputs takes one of {', '.join(_KINDS)}",
            "structured_outputs",
        )
    for name, constraint in asked:
        yield _Asked(name, _with_options(constraint, given))


def _with_options(constraint: Constraint, given: StructuredOutputs) -> Constraint:
    name = "structured_outputs.whitespace_pattern"
    return replace(
        constraint,
        whitespace_pattern=bounds.whitespace_text(name, given.whitespace_pattern),
        disable_any_whitespace=bool(given.disable_any_whitespace),
        disable_additional_properties=bool(given.disable_additional_properties),
    )


def _of_guided(fields: StructuredFields) -> Iterator[_Asked]:
    name = "guided_whitespace_pattern"
    pattern = bounds.whitespace_text(name, fields.guided_whitespace_pattern)
    for asked in _asked_in("guided_", fields, ("json", "regex", "choice", "grammar")):
        yield _Asked(asked.name, replace(asked.constraint, whitespace_pattern=pattern))
