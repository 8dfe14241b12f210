"""Reads what stands behind a path's question mark. Knows types, not what is asked for."""

from typing import Generic, TypeVar

import msgspec
from aiohttp import web

from penstock.frontend.errors import undecodable

Q = TypeVar("Q", bound=msgspec.Struct)


class QueryReader(Generic[Q]):
    """Of one endpoint. What is unknown has no effect, and of several of one name the first counts."""

    def __init__(self, kind: type[Q]) -> None:
        self.kind = kind

    def read(self, request: web.Request) -> Q:
        """Raises ApiError 400."""
        given = {name: request.query[name] for name in request.query}
        try:
            return msgspec.convert(given, self.kind, strict=False)
        except msgspec.ValidationError as error:
            raise undecodable(error) from error
