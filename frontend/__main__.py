"""The `api-frontend` command: reads settings, then imports and runs the program. Knows how to start fast, not what."""

import gc
import logging
import sys
from collections.abc import Callable, Sequence

from penstock.protocol import flags, logs
from penstock.protocol.errors import PenstockError
from penstock.protocol.readers import reader_may_leave
from penstock.protocol.settings import FrontendSettings
from penstock.protocol.settings.exchange import HttpLogLevel

log = logging.getLogger("penstock.http")

DESCRIPTION = "Answer HTTP for one engine core: any number of these may share a port."
STATUS_SETTINGS = 2
"""Starting again would not help."""


@reader_may_leave()
def main(argv: Sequence[str] | None = None) -> int:
    """The whole life of a front end; returns its exit status."""
    (settings,) = flags.parse(
        "api-frontend", DESCRIPTION, [FrontendSettings], sys.argv[1:] if argv is None else argv
    )
    logs.set_up(settings.log_level, settings.log_format, settings.frontend_id or "api-frontend")
    _set_http_level(settings.uvicorn_log_level)
    # What it calls errors is strangers' broken HTTP; a failure of ours is logged in errors.translate.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    for notice in flags.inert_notices(settings):
        log.warning("%s", notice)
    try:
        return _import_program()(settings)
    except PenstockError as error:
        log.error("%s", error)
        return STATUS_SETTINGS


def _set_http_level(level: HttpLogLevel | None) -> None:
    """uvicorn's word for everything is trace, which the standard library does not have."""
    if level is not None:
        number = logging.getLevelName({"trace": "debug"}.get(level, level).upper())
        for name in ("penstock.http", "penstock.access"):
            logging.getLogger(name).setLevel(number)


def _import_program() -> Callable[[FrontendSettings], int]:
    """Without collecting garbage meanwhile: nothing of what is imported is any, and looking costs a fifteenth."""
    gc.disable()
    try:
        from penstock.frontend.program import run
    finally:
        gc.enable()
    return run


if __name__ == "__main__":
    sys.exit(main())
