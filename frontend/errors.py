"""Every failure becomes one OpenAI error object here. Knows statuses and shapes, not what any endpoint does."""

import asyncio
import logging
import math
import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.frontend.access import CLIENT_LEFT, REQUEST_ID
from penstock.frontend.drain import Drain
from penstock.frontend.engine.errors import RefusedError
from penstock.frontend.http.errors import LateBodyError
from penstock.frontend.responses.errors import StoreError
from penstock.frontend.text.errors import TextError
from penstock.protocol import logs
from penstock.protocol.errors import EngineGoneError, PenstockError
from penstock.protocol.messages import RefusalCode

log = logging.getLogger("penstock.http")

RETRY_SOON_S = 1.0
"""What to tell clients when nobody knows better."""
MAX_MESSAGE_CHARS = 800
"""Messages quote what clients sent, and a body may be megabytes."""

UNREADABLE = "The request body cannot be read: it is cut short or wrongly encoded."
_TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    501: "NotImplementedError",
    503: "ServiceUnavailableError",
    504: "TimeoutError",
}
_REFUSALS = {
    RefusalCode.OVERLOADED: 503,
    RefusalCode.DRAINING: 503,
    RefusalCode.TOO_LONG: 400,
    RefusalCode.MALFORMED: 400,
    RefusalCode.UNSUPPORTED: 400,
    RefusalCode.DEADLINE: 504,
    RefusalCode.POISONED: 500,
}
_PATH = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>[^`]*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_NAME = re.compile(r"\w+")


class ErrorDetail(msgspec.Struct):
    message: str
    type: str
    param: str | None
    """The parameter that is to blame, where one is."""
    code: int
    """The HTTP status."""


class ErrorAnswer(msgspec.Struct):
    """What every failure looks like: OpenAI's error object."""

    error: ErrorDetail


class ApiError(PenstockError):
    """A failure as the client will see it."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_shortened(message))
        self.status = status
        self.param = param
        self.is_about_value = status == 400 and param is not None
        """Whether a parameter is well written, and its value will not do."""
        self.headers = dict(headers or {})

    @property
    def kind(self) -> str:
        fallback = HTTPStatus(self.status).phrase.replace(" ", "") + "Error"
        return _TYPES.get(self.status, fallback)

    @property
    def body(self) -> ErrorAnswer:
        return ErrorAnswer(ErrorDetail(str(self), self.kind, self.param, self.status))


def _shortened(message: str) -> str:
    """Both ends of a message: the beginning says where, the end says what is wrong."""
    if len(message) <= MAX_MESSAGE_CHARS:
        return message
    half = MAX_MESSAGE_CHARS // 2
    return f"{message[:half]} [...] {message[-half:]}"


def bad_request(message: str, param: str | None = None, *value: object) -> ApiError:
    """A 400; a `value` is quoted behind the message as vLLM does."""
    if value:
        message += f" (parameter={param}, value={str(value[0])[:200]})"
    return ApiError(400, message, param)


def unavailable(message: str, retry_after_s: float = RETRY_SOON_S) -> ApiError:
    """A 503 that says when to come back."""
    return ApiError(503, message, headers=_retry_after(retry_after_s))


def translate(error: BaseException, name: str | None = None) -> ApiError:
    """The one place where failures of any kind get their status and their words. `name` is the request's."""
    match error:
        case ApiError():
            return error
        case RefusedError():
            return _refused(error)
        case StoreError():
            return _of_store(error)
        case EngineGoneError():
            return unavailable(f"The engine is not available: {error}")
        case TextError():
            return bad_request(str(error), "messages")
        case LateBodyError():
            return ApiError(408, "The request body came too slowly.")
        case web.RequestPayloadError():
            return bad_request(UNREADABLE)
        case web.HTTPException():
            return _of_aiohttp(error)
        case asyncio.CancelledError():
            return unavailable("The server is shutting down.")
        case _:
            return _unexpected(error, name)


def undecodable(error: Exception) -> ApiError:
    """For a body that is no JSON, or not of the endpoint's type."""
    found = _undecodable(error)
    found.is_about_value = False
    return found


def _undecodable(error: Exception) -> ApiError:
    if isinstance(error, msgspec.ValidationError):
        return _mistyped(str(error))
    if isinstance(error, RecursionError):
        return bad_request("The request body is nested too deeply.")
    if isinstance(error, UnicodeDecodeError):
        return bad_request("The request body is not valid UTF-8.")
    return bad_request(f"The request body is not valid JSON: {error}")


def response(error: ApiError) -> web.Response:
    return web.Response(
        status=error.status,
        body=msgspec.json.encode(error.body),
        content_type="application/json",
        headers=error.headers,
    )


def has_left(error: BaseException, drain: Drain) -> bool:
    """Whether the client did; else it is told of the error."""
    is_cancelled = isinstance(error, asyncio.CancelledError) and not drain.expired
    return is_cancelled or isinstance(error, ConnectionError)


def translator(drain: Drain, validation_status: int = 400) -> Middleware:
    """Answers with an error object whatever was raised, unless nobody is there to read it."""

    @web.middleware
    async def translate_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ConnectionError:
            return web.Response(status=CLIENT_LEFT)
        except (asyncio.CancelledError, Exception) as error:
            if has_left(error, drain):
                raise
            return _answered(request, error, validation_status)

    return translate_errors


def _answered(request: web.Request, failure: BaseException, validation_status: int) -> web.Response:
    error = translate(failure, request.get(REQUEST_ID))
    if error.is_about_value:
        error.status = validation_status
    return response(error)


def _unexpected(error: BaseException, name: str | None) -> ApiError:
    told = logs.fields(request_id=name)
    log.error("request %s failed unexpectedly", name or "-", exc_info=error, extra=told)
    return ApiError(500, "An internal error occurred; the server's log has its details.")


def _of_store(error: StoreError) -> ApiError:
    log.error("%s", error)
    return unavailable("The store of responses does not answer; nothing was kept.")


def _mistyped(message: str) -> ApiError:
    """'Expected `int`, got `str` - at `$.n`' names `n`."""
    found = _PATH.fullmatch(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    missing = _MISSING.match(what)
    if missing:
        path = f"{path}.{missing[1]}".lstrip(".")
        what = "this field is required"
    if not path:
        return bad_request(f"The request body is invalid: {what}")
    name = _NAME.match(path)
    return bad_request(f"{path}: {what[0].lower()}{what[1:]}", name[0] if name else None)


def _refused(error: RefusedError) -> ApiError:
    headers = _retry_after(error.retry_after_s) if error.retry_after_s else {}
    status = _REFUSALS[error.code]
    if status == 503 and not headers:
        headers = _retry_after(RETRY_SOON_S)
    return ApiError(status, str(error), headers=headers)


def _of_aiohttp(error: web.HTTPException) -> ApiError:
    """aiohttp's own 404, 405, 413 and the like."""
    message = error.text if error.status == 413 and error.text else error.reason
    headers = {k: v for k, v in error.headers.items() if k == "Allow"}
    return ApiError(error.status, message, headers=headers)


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
