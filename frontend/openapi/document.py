"""Makes the OpenAPI document of a table of routes. Knows OpenAPI's words, and no endpoint by name."""

from collections.abc import Sequence
from typing import Any

from penstock.frontend.errors import ErrorAnswer
from penstock.frontend.openapi import operations
from penstock.frontend.openapi.declared import JSON, Route
from penstock.frontend.openapi.schemas import Schema, Schemas
from penstock.frontend.openapi.words import ABOUT, ERRORS, HEADERS, SECURITY, TAGS, WITH_RETRY


def document(routes: Sequence[Route], version: str, *, is_guarded: bool) -> dict[str, Any]:
    """What /openapi.json shows. `is_guarded` where the server has keys.

    The server's address is the folder that the document is in, so it holds behind any prefix.
    """
    schemas = Schemas(_read(routes), _written(routes))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Penstock", "version": version, "description": ABOUT},
        "servers": [{"url": "./"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": _paths(routes, schemas, is_guarded=is_guarded),
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": {
                name: _error(status, words, schemas) for status, (name, words) in ERRORS.items()
            },
            "headers": {
                name: {"description": words, "schema": {"type": "string"}}
                for name, words in HEADERS.items()
            },
            "securitySchemes": SECURITY,
        },
    }


def _read(routes: Sequence[Route]) -> list[Any]:
    return list(dict.fromkeys(route.body for route in routes if route.body))


def _written(routes: Sequence[Route]) -> list[Any]:
    kinds = [answer.kind for route in routes for answer in route.answers if answer.kind]
    return list(dict.fromkeys([*kinds, ErrorAnswer]))


def _paths(routes: Sequence[Route], schemas: Schemas, *, is_guarded: bool) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for route in routes:
        methods = paths.setdefault(route.shown_path, {})
        methods[route.method.lower()] = operations.operation(route, schemas, is_guarded=is_guarded)
    return paths


def _error(status: int, words: str, schemas: Schemas) -> Schema:
    headers = ["X-Request-Id", *(["Retry-After"] if status in WITH_RETRY else [])]
    return {
        "description": words,
        "headers": operations.headers(headers),
        "content": {JSON: {"schema": schemas.of[ErrorAnswer]}},
    }
