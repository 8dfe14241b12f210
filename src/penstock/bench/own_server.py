"""Where `latency` and `throughput` send their requests: a server of their own, or one that runs. Knows no measure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from penstock.bench.own_settings import ElsewhereSettings, ServerSettings
from penstock.bench.private_server import PrivateServer
from penstock.bench.target import Target, make_target
from penstock.protocol import flags
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import SERVE_STRUCTS

DEFAULT_MODEL = "brook"
NO_KEYS = {"PENSTOCK_API_KEY": "", "VLLM_API_KEY": ""}
"""A private server asks nobody for a key, whatever the shell's variables say."""


def model_first(argv: Sequence[str]) -> list[str]:
    """`MODEL ...` as `--model MODEL ...`: what follows may be settings of the server, unknown here."""
    if argv and not argv[0].startswith("-"):
        return ["--model", *argv]
    return list(argv)


def check_serve_flags(serve_flags: Sequence[str]) -> None:
    """Ends the program as `penstock serve` would, before anything is started, when it would refuse them."""
    flags.parse("penstock serve", "", SERVE_STRUCTS, serve_flags)


@contextmanager
def reach(
    server: ServerSettings, elsewhere: ElsewhereSettings, serve_flags: Sequence[str]
) -> Iterator[Target]:
    """A server that is ready. Raises SettingsError or BenchError."""
    if elsewhere.base_url is not None:
        if serve_flags:
            raise SettingsError(
                f"unknown setting {serve_flags[0]} (with --base-url none is passed on)"
            )
        yield make_target(elsewhere.target(server.model))
        return
    check_serve_flags(serve_flags)
    with PrivateServer(server.model or DEFAULT_MODEL, serve_flags, server.port, NO_KEYS) as own:
        own.wait_until_ready(server.ready_timeout_s)
        yield make_target(replace(elsewhere, base_url=own.url).target(None))
