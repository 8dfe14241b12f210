"""The `api-frontend` command: reads settings, loads the model's text, serves. Knows the parts, not their work."""

import gc
import logging
import sys
from collections.abc import Sequence

import uvloop

from penstock.frontend.engine.client import EngineClient
from penstock.frontend.listening import listen
from penstock.frontend.server import serve
from penstock.frontend.services import load_services
from penstock.protocol import flags
from penstock.protocol.errors import PenstockError
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings

log = logging.getLogger("penstock.http")

DESCRIPTION = "Answer HTTP for one engine core: any number of these may share a port."
STATUS_SETTINGS = 2
"""Starting again would not help."""


def main(argv: Sequence[str] | None = None) -> int:
    """The whole life of a front end; returns its exit status."""
    (settings,) = flags.parse(
        "api-frontend", DESCRIPTION, [FrontendSettings], sys.argv[1:] if argv is None else argv
    )
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    # What it calls errors is strangers' broken HTTP; a failure of ours is logged in errors.translate.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    for notice in flags.inert_notices(settings):
        log.warning("%s", notice)
    try:
        return run(settings)
    except PenstockError as error:
        log.error("%s", error)
        return STATUS_SETTINGS


def run(settings: FrontendSettings) -> int:
    """Raises PenstockError when the model's text or the address cannot be had."""
    registry = Registry()
    services = load_services(settings, EngineClient(settings, registry), registry)
    with listen(settings) as listener:
        gc.freeze()
        uvloop.run(serve(services, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
