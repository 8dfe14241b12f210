"""One route as an OpenAPI operation. Knows a route's declaration, no other route."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from penstock.frontend.errors import ErrorAnswer
from penstock.frontend.openapi.declared import EVENTS, JSON, Answer, Header, Route
from penstock.frontend.openapi.field_docs import field_docs
from penstock.frontend.openapi.schemas import Schema, Schemas
from penstock.frontend.openapi.words import ALWAYS, ERRORS, SECURITY

_PLACE = re.compile(r"\{(\w+)\}")
_TEXT = {"type": "string"}
_BODY_ERRORS = (400, 408, 413, 415)


def operation(route: Route, schemas: Schemas, *, is_guarded: bool) -> Schema:
    """What stands under a path's method."""
    made: Schema = {
        "operationId": _name_of(f"{route.method} {route.shown_path}"),
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description,
        "parameters": list(_parameters(route)),
        "requestBody": _body(route, schemas) if route.body else None,
        "responses": _linked(_answers(route.answers, schemas), route.links)
        | _errors(route, is_guarded=is_guarded),
        "security": [{name: list[str]()} for name in SECURITY]
        if is_guarded and route.scope
        else [],
    }
    return {key: value for key, value in made.items() if value or key == "security"}


def headers(names: Sequence[str]) -> Schema:
    """References to those that are described once for all."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _name_of(operation: str) -> str:
    """Of "GET /v1/models": `get_v1_models`."""
    return "_".join(re.findall(r"\w+", operation.lower()))


def _parameters(route: Route) -> Iterator[Schema]:
    for name in _PLACE.findall(route.shown_path):
        words = route.places[name]
        yield {"name": name, "in": "path", "required": True, "description": words, "schema": _TEXT}
    if route.query is not None:
        yield from _query(route.query)
    for header in route.headers:
        yield _header(header)


def _query(struct: type[msgspec.Struct]) -> Iterator[Schema]:
    _, components = msgspec.json.schema_components([struct])
    docs = field_docs(struct)
    for name, schema in components[struct.__name__]["properties"].items():
        described = {"description": docs[name]} if name in docs else {}
        if schema.get("default", ...) is None:
            del schema["default"]
        yield {"name": name, "in": "query", "required": False, **described, "schema": schema}


def _header(header: Header) -> Schema:
    return {
        "name": header.name,
        "in": "header",
        "required": False,
        "description": header.description,
        "schema": header.schema,
    }


def _body(route: Route, schemas: Schemas) -> Schema:
    content: dict[str, Any] = {"schema": schemas.of[route.body]}
    if route.example:
        content["example"] = route.example
    return {"required": True, "content": {JSON: content}}


def _answers(answers: Sequence[Answer], schemas: Schemas) -> dict[str, Schema]:
    """Those of one status together: they are told apart by what they are, and all their words are needed."""
    found: dict[str, Schema] = {}
    for answer in answers:
        fresh: Schema = {"description": "", "headers": headers(["X-Request-Id"]), "content": {}}
        known = found.setdefault(str(answer.status), fresh)
        known["description"] = f"{known['description']} {answer.description}".strip()
        known["content"][answer.media] = {"schema": _shape(answer, schemas)}
    return found


def _shape(answer: Answer, schemas: Schemas) -> Schema:
    """Of a stream it is each event's."""
    if answer.kind is None:
        return _TEXT
    schema = schemas.of[answer.kind]
    if answer.media != EVENTS:
        return schema
    data = _data(schema)
    if answer.last:
        data = {"anyOf": [data, _data(schemas.of[ErrorAnswer]), {**_TEXT, "const": answer.last}]}
    return {"type": "object", "required": ["data"], "properties": {"event": _TEXT, "data": data}}


def _data(schema: Schema) -> Schema:
    return {**_TEXT, "contentMediaType": JSON, "contentSchema": schema}


def _linked(answers: dict[str, Schema], links: Sequence[str]) -> dict[str, Schema]:
    """Where the id of what was made leads to."""
    if links:
        by_id = {"id": "$response.body#/id"}
        answers["200"]["links"] = {
            name: {"operationId": name, "parameters": by_id} for name in map(_name_of, links)
        }
    return answers


def _errors(route: Route, *, is_guarded: bool) -> dict[str, Schema]:
    guarded = (401, 403) if is_guarded and route.scope else ()
    of_body = _BODY_ERRORS if route.body else ()
    statuses = sorted({*route.errors, *guarded, *of_body, *ALWAYS})
    return {
        str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"} for status in statuses
    }
