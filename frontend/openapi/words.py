"""What /openapi.json says once for all endpoints. Knows words and OpenAPI's forms, no endpoint."""

from collections.abc import Mapping
from typing import Any

ABOUT = (
    "Penstock serves a large language model. Its endpoints take what OpenAI's take, and vLLM's parameters "
    "besides. Bodies are read as JSON whatever their Content-Type says; fields that are not known are named "
    "in the answer's `x-ignored-params` header."
)
TAGS: Mapping[str, str] = {
    "Generation": "Text from prompts and conversations.",
    "Responses": "Answers that are kept, and can go on in the background.",
    "Text": "Tokens and prompts, without generating.",
    "Models": "What is served.",
    "Operations": "How the server is, and what became of a request.",
    "Documentation": "This description, and pages that show it.",
    "Playground": "A page to try the model, and to watch the deployment.",
}
ERRORS: Mapping[int, tuple[str, str]] = {
    400: (
        "BadRequest",
        "The request is at fault; `param` names the parameter where one is to blame.",
    ),
    401: ("Unauthorized", "The key is missing or unknown."),
    403: ("Forbidden", "The key's scopes do not reach so far."),
    408: ("TooSlow", "The request did not come within the time that the server gives it."),
    404: ("NotFound", "There is no such model, response, request or file."),
    413: ("TooLarge", "The body is larger than the server takes."),
    415: ("Undecodable", "The body is compressed in a way that is not known here."),
    429: ("TooManyRequests", "This key has asked for too much of late."),
    500: ("Failed", "The server is at fault."),
    501: ("NotSupported", "This server cannot do it."),
    503: (
        "Unavailable",
        "Too much is waiting, or the engine is away; Retry-After says when to come back.",
    ),
    504: ("TooLate", "The request's own deadline passed before the first token."),
}
"""By status: a component's name, and what it means."""
ALWAYS = (500,)
"""Any endpoint may fail."""
WITH_RETRY = frozenset((429, 503))
HEADERS: Mapping[str, str] = {
    "X-Request-Id": "The request's name: the client's own, or one that was drawn.",
    "Retry-After": "Seconds after which another try may do better.",
}
SECURITY: Mapping[str, Mapping[str, Any]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as OpenAI's clients send it.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same key, as Anthropic's clients send it.",
    },
}
