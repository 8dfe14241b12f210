"""What several endpoints declare alike. Knows headers and statuses, no endpoint."""

from penstock.frontend.api.caller import PRIORITY_HEADER
from penstock.frontend.openapi.declared import Header

TAKES = (
    Header("X-Request-Id", "A name for this request, in logs and in GET /v1/requests/{id}."),
    Header(
        PRIORITY_HEADER,
        "Lower is served earlier, under the priority policy; wins over the body's `priority`.",
        {"type": "integer"},
    ),
)
"""Headers of a request that asks for tokens."""
OF_MODEL = (404,)
OF_ENGINE = (429, 503, 504)
HELLO = [{"role": "user", "content": "Hello! Who are you?"}]
TIMELINE = "GET /v1/requests/{id}"
