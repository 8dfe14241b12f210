"""Which scope each route needs. Knows routes by their paths, not what they do.

A route that is not listed here is of those who run the server.
"""

from collections.abc import Mapping

from penstock.frontend.api.unsupported import UNSUPPORTED
from penstock.protocol.keys import Scope

OPEN = frozenset(
    {
        "/health",
        "/health/liveness",
        "/health/readiness",
        "/ready",
        "/readyz",
        "/ping",
        "/version",
        "/",
        "/playground/{name}",
    }
)
"""Probes and balancers have no keys, and the page asks for one where it needs it."""
METRICS = "/metrics"
SCOPES: Mapping[str, Scope] = {
    "/v1/chat/completions": Scope.INFERENCE,
    "/v1/completions": Scope.INFERENCE,
    "/v1/responses": Scope.INFERENCE,
    "/v1/responses/input_tokens": Scope.INFERENCE,
    "/v1/responses/{id}": Scope.INFERENCE,
    "/v1/responses/{id}/cancel": Scope.INFERENCE,
    "/v1/responses/{id}/input_items": Scope.INFERENCE,
    "/tokenize": Scope.INFERENCE,
    "/detokenize": Scope.INFERENCE,
    "/v1/models": Scope.MODELS,
    "/v1/models/{model}": Scope.MODELS,
    "/v1/chat/completions/render": Scope.INFERENCE,
    "/v1/requests/{id}": Scope.INFERENCE,
    "/openapi.json": Scope.MODELS,
    "/docs": Scope.MODELS,
    "/docs/oauth2-redirect": Scope.MODELS,
    "/docs/assets/{name}": Scope.MODELS,
    "/redoc": Scope.MODELS,
    "/v1/stats": Scope.METRICS,
    "/load": Scope.METRICS,
    METRICS: Scope.METRICS,
    **dict.fromkeys(UNSUPPORTED, Scope.INFERENCE),
}


def scope_of(route: str) -> Scope:
    return SCOPES.get(route, Scope.OPS)
