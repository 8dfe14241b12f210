"""Settings of the HTTP door: where it is, who may come how, and how long. Knows connections, not answers."""

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from penstock.protocol.settings.field import described
from penstock.protocol.settings.model import ModelSettings

_ORIGIN = re.compile(r"\*|null|[a-zA-Z][\w+.-]*://[^/\s]+")
_ROOT_PATH = re.compile(r"(/[^/?#\s]+)*")


class DoorSettings(ModelSettings, frozen=True, kw_only=True):
    """How one api-frontend listens."""

    host: Annotated[str, described("Address to listen on.")] = "0.0.0.0"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port, shared by all front ends.",
            extra={"env": ["PENSTOCK_PORT", "VLLM_PORT"], "bare": "8000"},
        ),
    ] = 8000
    uds: Annotated[str | None, described("Listen on this Unix socket instead.")] = None
    uds_mode: Annotated[
        str,
        Meta(
            pattern="^[0-7]{3}$",
            description="Permissions of that socket, in octal; 660 lets its group in, a proxy's for example.",
        ),
    ] = "600"
    root_path: Annotated[
        str,
        described(
            "Prefix that a proxy in front adds to every path; requests come with it or without."
        ),
    ] = ""
    ssl_certfile: Annotated[
        str | None, described("Serve HTTPS with this certificate chain (PEM).")
    ] = None
    ssl_keyfile: Annotated[
        str | None, described("Its private key, when that is not in the same file.")
    ] = None
    ssl_ca_certs: Annotated[
        str | None, described("Authorities that clients' certificates are checked against (PEM).")
    ] = None
    ssl_cert_reqs: Annotated[
        Literal[0, 1, 2],
        described(
            "Clients' certificates: 0 are not asked for, 1 are checked if there are any, 2 are required."
        ),
    ] = 0
    ssl_ciphers: Annotated[
        str | None, described("Ciphers for TLS 1.2, as OpenSSL writes them.")
    ] = None
    enable_ssl_refresh: Annotated[
        bool, described("Read the TLS files again when they change; SIGHUP does so at any time.")
    ] = False
    allowed_origins: Annotated[
        list[str],
        described("Web pages of these origins may ask (CORS), or those of all: '*'.", listed=True),
    ] = []
    allowed_methods: Annotated[
        list[str], described("Methods that those pages may use.", listed=True)
    ] = field(default_factory=lambda: ["*"])
    allowed_headers: Annotated[
        list[str], described("Headers that those pages may send.", listed=True)
    ] = field(default_factory=lambda: ["*"])
    allow_credentials: Annotated[
        bool, described("Let those pages' browsers send cookies and client certificates.")
    ] = False
    max_body_bytes: Annotated[
        int | None,
        described(
            "Largest request body; beyond, 413. A request to /v1/responses may refer to as much, or to 16 MiB; "
            "beyond, 400.",
            human=True,
        ),
    ] = 16 << 20
    max_header_bytes: Annotated[
        Annotated[int, Meta(ge=256)],
        described(
            "Longest request line, and longest header; beyond, 431.",
            human=True,
            flags=["--h11-max-incomplete-event-size"],
        ),
    ] = 8190
    max_header_count: Annotated[
        int,
        Meta(
            ge=1,
            description="Most headers of a request; beyond, 431.",
            extra={"flags": ["--h11-max-header-count"]},
        ),
    ] = 128
    header_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="A request's headers must be complete so soon after its first byte, or 408.",
        ),
    ] = 10.0
    body_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="A request's body must be complete so soon after its headers, and 1 s more for every "
            "4 KiB that came, or 408.",
        ),
    ] = 30.0
    keep_alive_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Close idle connections after so long.",
            extra={"env": ["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"]},
        ),
    ] = 5.0

    def __post_init__(self) -> None:
        _check_tls(self)
        wrong = next((o for o in self.allowed_origins if not _ORIGIN.fullmatch(o)), None)
        if wrong is not None:
            raise ValueError(f"--allowed-origins {wrong}: expected scheme://host[:port], or *")
        if not _ROOT_PATH.fullmatch(self.root_path):
            raise ValueError(
                f"--root-path {self.root_path}: expected /path, without / at its end"
                + _meant_root(self.root_path)
            )


def _meant_root(path: str) -> str:
    """'; did you mean ...?', where it is the slashes that are wrong."""
    meant = "".join(f"/{part}" for part in path.split("/") if part)
    return f"; did you mean {meant!r}?" if meant and _ROOT_PATH.fullmatch(meant) else ""


def _check_tls(door: DoorSettings) -> None:
    """Raises ValueError for a flag that could do nothing without another."""
    without_certificate = [
        flag
        for flag, value in (
            ("--ssl-keyfile", door.ssl_keyfile),
            ("--ssl-ca-certs", door.ssl_ca_certs),
            ("--ssl-cert-reqs", door.ssl_cert_reqs),
            ("--ssl-ciphers", door.ssl_ciphers),
            ("--enable-ssl-refresh", door.enable_ssl_refresh),
        )
        if value
    ]
    if without_certificate and not door.ssl_certfile:
        raise ValueError(f"{without_certificate[0]} needs --ssl-certfile")
    if door.ssl_cert_reqs and not door.ssl_ca_certs:
        raise ValueError(f"--ssl-cert-reqs {door.ssl_cert_reqs} needs --ssl-ca-certs")
