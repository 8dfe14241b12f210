"""Every endpoint, once: what is routed, guarded and described. Knows declarations, no endpoint's inside."""

from collections.abc import Sequence

from penstock.frontend.http.root_path import add_slash
from penstock.frontend.openapi.declared import Endpoint
from penstock.frontend.routes import (
    documentation,
    generation,
    operations,
    playground,
    refused,
    responses,
    text,
)
from penstock.protocol.settings import FrontendSettings


def endpoints(settings: FrontendSettings) -> Sequence[Endpoint]:
    """All that a server has; those that are described, in the order in which they are shown."""
    docs = documentation.routes() if settings.api_docs else ()
    page = playground.routes() if settings.playground else ()
    root = settings.root_path
    prefix = (Endpoint(method="GET", path=root, handler=add_slash, scope=None),) if root else ()
    return (
        *generation.ROUTES,
        *responses.ROUTES,
        *text.ROUTES,
        *operations.ROUTES,
        operations.metrics(is_guarded=settings.guard_metrics),
        *docs,
        *page,
        *prefix,
        *refused.ENDPOINTS,
    )
