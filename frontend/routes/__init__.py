"""Every endpoint, once: what is routed is what /openapi.json describes. Knows declarations, no endpoint's inside."""

from collections.abc import Sequence

from penstock.frontend.openapi.declared import Route
from penstock.frontend.routes import (
    documentation,
    generation,
    operations,
    playground,
    responses,
    text,
)


def routes(*, with_docs: bool, with_page: bool) -> Sequence[Route]:
    """All that a server has, in the order in which they are shown."""
    docs = documentation.ROUTES if with_docs else ()
    page = playground.routes() if with_page else ()
    return (
        *generation.ROUTES,
        *responses.ROUTES,
        *text.ROUTES,
        *operations.ROUTES,
        *docs,
        *page,
    )
