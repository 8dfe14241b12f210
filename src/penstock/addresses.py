"""Where a deployment is reached, settled before it starts and asked while it does. Knows sockets, not programs."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping

import msgspec

from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings, ServeSettings

log = logging.getLogger("penstock.serve")


def address(settings: FrontendSettings) -> str:
    """For people."""
    if settings.uds:
        return f"unix:{settings.uds}"
    scheme = "https" if settings.ssl_certfile else "http"
    return f"{scheme}://{settings.host}:{settings.port}{settings.root_path}/v1"


async def is_ready(settings: FrontendSettings) -> bool:
    """Whether a front end answers GET /ready with 200. For programs that cannot say so by themselves."""
    try:
        async with asyncio.timeout(2), _connection(settings) as (reader, writer):
            writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False


@contextlib.asynccontextmanager
async def _connection(
    settings: FrontendSettings,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    local = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    context = _unverified() if settings.ssl_certfile else None
    if settings.uds:
        reader, writer = await asyncio.open_unix_connection(settings.uds, ssl=context)
    else:
        host = local.get(settings.host, settings.host)
        reader, writer = await asyncio.open_connection(host, settings.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()


def _unverified() -> ssl.SSLContext:
    """The certificate is for the clients' name of this host, and we ask ourselves."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def claim_port(settings: FrontendSettings) -> FrontendSettings:
    """Settings with a port that is free now; 0 picks one.

    Front ends share their port with SO_REUSEPORT, under which a second deployment on the same port would
    start without an error and take half of the first one's connections. Binding once without it tells.
    """
    if settings.uds:
        return settings
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"--host {settings.host} --port {settings.port}: {error.strerror}"
            ) from error
        return msgspec.structs.replace(settings, port=probe.getsockname()[1])


def settle_count(
    serve: ServeSettings, frontend: FrontendSettings, sources: Mapping[str, str]
) -> ServeSettings:
    """A Unix socket belongs to whoever bound it last, so it has one front end; a port is shared.

    `sources` tells what the operator set: what is then not used is said.
    """
    if not frontend.uds:
        return serve
    for flag, name, value in (
        ("--host", "host", frontend.host),
        ("--port", "port", frontend.port),
        ("--api-server-count", "api_server_count", serve.api_server_count),
    ):
        if name in sources and (name, value) != ("api_server_count", 1):
            by = "" if sources[name] == flag else f" ({sources[name]})"
            log.warning(
                "--uds is all that is listened on, by one front end: %s %s%s is not used",
                flag,
                value,
                by,
            )
    return msgspec.structs.replace(serve, api_server_count=1)
