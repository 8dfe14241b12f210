"""Who asks, as the headers say it. Knows headers, not bodies."""

import time

from aiohttp import web

from penstock.frontend.access import TENANT, request_name
from penstock.frontend.api.fields import SharedFields
from penstock.frontend.asked_fields import body_name
from penstock.frontend.deadline import checked_timeout
from penstock.frontend.errors import bad_request
from penstock.frontend.metering import subject_of
from penstock.frontend.prompts import Caller

PRIORITY_HEADER = "X-Vllm-Priority"
TIMEOUT_HEADER = "X-Request-Timeout"


def caller(request: web.Request, asked: SharedFields) -> Caller:
    return Caller(
        name=request_name(request, body_name(asked)),
        arrived_s=time.monotonic(),
        tenant=request.get(TENANT, ""),
        subject=subject_of(request),
        priority=_priority(request.headers.get(PRIORITY_HEADER)),
        timeout_s=_timeout_s(request.headers.get(TIMEOUT_HEADER)),
    )


def _priority(header: str | None) -> int | None:
    if header is None:
        return None
    try:
        return int(header)
    except ValueError as error:
        raise bad_request(f"{PRIORITY_HEADER} must be an integer.", "priority") from error


def _timeout_s(header: str | None) -> float | None:
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError as error:
        raise bad_request(f"{TIMEOUT_HEADER} must be a number of seconds.", "timeout") from error
    return checked_timeout(seconds, "timeout")
