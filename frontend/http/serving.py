"""Puts an application behind a listening socket: limits, TLS, a prefix. Knows no request's inside."""

import asyncio
import socket
import ssl
from typing import Any

from aiohttp import StreamReader, web

from penstock.frontend.http.connection import Connection, Limits
from penstock.frontend.http.listening import BACKLOG
from penstock.frontend.http.root_path import MakeRequest, without
from penstock.protocol.settings import FrontendSettings


async def start_serving(
    runner: web.AppRunner,
    listener: socket.socket,
    settings: FrontendSettings,
    context: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """`runner` is set up already. Closing what is returned stops listening; `runner.cleanup` closes connections."""
    server, loop, limits = runner.server, asyncio.get_running_loop(), Limits.of(settings)
    assert server is not None
    make_request = without(settings.root_path, server.request_factory)
    server.request_factory = _telling_connection(make_request)
    return await loop.create_server(
        lambda: Connection(server, limits, loop),
        sock=listener,
        backlog=BACKLOG,
        ssl=context,
        ssl_handshake_timeout=limits.header_timeout_s if context else None,
    )


def _telling_connection(make: MakeRequest) -> MakeRequest:
    def make_request(
        message: Any, payload: StreamReader, connection: Connection, *arguments: Any
    ) -> Any:
        connection.headers_came(payload)
        return make(message, payload, connection, *arguments)

    return make_request
