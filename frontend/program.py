"""A front end from its settings to its end. Knows the parts, not their work."""

import gc

import uvloop

from penstock.frontend.engine.client import EngineClient
from penstock.frontend.http.listening import listen
from penstock.frontend.http.tls import Certificates
from penstock.frontend.loading import load_services
from penstock.frontend.server import serve
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings


def run(settings: FrontendSettings) -> int:
    """Raises PenstockError when the model's text, the certificate or the address cannot be had."""
    certificates = Certificates(settings) if settings.ssl_certfile else None
    registry = Registry()
    services = load_services(settings, EngineClient(settings, registry), registry)
    with listen(settings) as listener:
        gc.freeze()
        uvloop.run(serve(services, listener, certificates))
    return 0
