"""How an endpoint is declared, once for routing, for keys and for /openapi.json. Knows no endpoint of ours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from aiohttp.typedefs import Handler

from penstock.protocol.keys import Scope

JSON = "application/json"
TEXT = "text/plain"
HTML = "text/html"
CSS = "text/css"
SCRIPT = "text/javascript"
SVG = "image/svg+xml"
EVENTS = "text/event-stream"
_PATTERN = re.compile(r":[^}]*\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an endpoint answers; several of a status are told apart by their media type."""

    description: str
    kind: Any = None
    """What JSON, or an event's data, decodes to; None for what is no JSON."""
    media: str = JSON
    status: int = 200
    last: str = ""
    """The data of a stream's last event, where that is no JSON; such a stream tells of an error before it."""


@dataclass(frozen=True, slots=True)
class Header:
    """One that a request may bring."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path, as it is routed and guarded."""

    method: Literal["GET", "POST", "DELETE", "*"]
    path: str
    """As aiohttp writes it."""
    handler: Handler
    scope: Scope | None
    """What a key must open; None where nobody needs one."""
    is_probe: bool = False
    """Asked by machines every few seconds: neither logged nor counted."""

    @property
    def shown_path(self) -> str:
        """Without aiohttp's patterns."""
        return _PATTERN.sub("}", self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Endpoint):
    """One that is described, too."""

    places: Mapping[str, str] = field(default_factory=dict)
    """What stands for each name in the path."""
    tag: str
    summary: str
    description: str = ""
    body: type[msgspec.Struct] | None = None
    example: dict[str, Any] = field(default_factory=dict)
    """A body that is served."""
    query: type[msgspec.Struct] | None = None
    headers: Sequence[Header] = ()
    answers: Sequence[Answer]
    errors: Sequence[int] = ()
    """Statuses that come with an error object, besides those that any endpoint may have."""
    links: Sequence[str] = ()
    """Operations, as "GET /path/{id}", that take the `id` of what this one makes."""
