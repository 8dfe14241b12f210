"""Reads JSON bodies, whatever their Content-Type says. Knows bytes and types, not what they ask for."""

import asyncio
from itertools import islice
from typing import Generic, TypeVar

import msgspec
from aiohttp import web

from penstock.frontend.access import IGNORED_PARAMS
from penstock.frontend.api.packed_body import unpacked
from penstock.frontend.api.unsupported_params import UNSUPPORTED, refuse_unsupported
from penstock.frontend.errors import undecodable

T = TypeVar("T", bound=msgspec.Struct)


BODY = web.RequestKey("body", bytes)
"""As it was read: unpacked, where it came compressed."""


class BodyReader(Generic[T]):
    """Decodes one endpoint's bodies; built once, for decoders are costly to make.

    Numbers may come as strings, as pydantic has it. What is unknown is named in a header of the answer.
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind, strict=False)
        self._raw_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
        fields = frozenset(kind.__struct_encode_fields__)
        self._refused = UNSUPPORTED.keys() - fields
        self._known = fields | UNSUPPORTED.keys()

    async def read(self, request: web.Request) -> T:
        body = request[BODY] = await _bytes_of(request)
        try:
            text = body.decode()
            given = self._raw_decoder.decode(text)
            refuse_unsupported(given, self._refused)
            decoded = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise undecodable(error) from error
        request[IGNORED_PARAMS] = ignored_params(given.keys() - self._known)
        return decoded


async def _bytes_of(request: web.Request) -> bytes:
    body = await request.read()
    encoding = request.headers.get("Content-Encoding", "")
    if encoding in ("", "identity"):
        return body
    return await asyncio.to_thread(unpacked, body, encoding, request.client_max_size)


def ignored_params(names: set[str]) -> str:
    """The unknown names that may stand in a header, at most twenty of them."""
    fit = (n for n in names if n.isascii() and n.isidentifier() and len(n) <= 64)
    return ", ".join(sorted(islice(fit, 20)))
