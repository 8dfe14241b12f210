"""Endpoints that are routed only to say why they are not served. Knows their declarations."""

from penstock.frontend.api.unsupported import UNSUPPORTED, not_supported
from penstock.frontend.openapi.declared import Endpoint
from penstock.protocol.keys import Scope

ENDPOINTS = tuple(
    Endpoint(method="*", path=path, handler=not_supported, scope=Scope.INFERENCE)
    for path in UNSUPPORTED
)
