"""A request's place under the engine's limits, and the headers that tell of it. Knows no count."""

import ipaddress
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.access import TENANT
from penstock.frontend.engine import EngineClient, LimitedError, Reservation, Update, Wish
from penstock.frontend.errors import ApiError
from penstock.frontend.prompts import ValidRequest
from penstock.protocol.messages import ADDRESS, Meter, Verdict

RATE_HEADERS = web.RequestKey("rate_headers", dict[str, str])
NETWORK_BITS = 64
"""Of an IPv6 address, the part that one subscriber has to himself."""


@asynccontextmanager
async def metered(
    request: web.Request, valid: ValidRequest, client: EngineClient
) -> AsyncIterator[ValidRequest]:
    """The request as it may run, while it runs. Raises ApiError 429."""
    reservation = await reserve(request, wish(valid), client)
    if reservation is None:
        yield valid
        return
    try:
        yield replace(valid, reservation=reservation.id)
    finally:
        client.settle(reservation)


async def reserve(request: web.Request, wished: Wish, client: EngineClient) -> Reservation | None:
    """To be settled. None where nothing is bound. Raises ApiError 429."""
    if not client.is_metered:
        return None
    try:
        reservation = await client.reserve(wished)
    except LimitedError as error:
        raise _too_many(error.verdict) from error
    assert reservation.verdict is not None
    request[RATE_HEADERS] = _headers(reservation.verdict)
    return reservation


@asynccontextmanager
async def resumed(
    valid: ValidRequest, past: Sequence[Update], client: EngineClient
) -> AsyncIterator[ValidRequest]:
    """As `metered`, for a request that was granted already, to this front end or to another that is gone."""
    if valid.reservation or not valid.subject or not client.is_metered:
        yield valid
        return
    reservation = await client.reserve(replace(rest(valid, past), resumes=True))
    try:
        yield replace(valid, reservation=reservation.id)
    finally:
        client.settle(reservation)


def wish(valid: ValidRequest) -> Wish:
    """Each prompt once, and each sequence as long as it may become."""
    num_prompt = sum(len(prompt.ids) for prompt in valid.prompts)
    return Wish(valid.subject, num_prompt, sum(map(valid.num_possible, valid.prompts)))


def rest(valid: ValidRequest, past: Sequence[Update]) -> Wish:
    """What is left of a request whose prompt, and what came of it, have been counted."""
    num_past = sum(len(update.token_ids) for update in past)
    return Wish(valid.subject, 0, max(0, wish(valid).possible - num_past))


def subject_of(request: web.Request) -> str:
    """Whose limits hold: the key's holder's, or else the address's."""
    return request.get(TENANT) or ADDRESS + _network(request.remote or "local")


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """An `on_response_prepare` signal: reaches streams too."""
    response.headers.update(request.get(RATE_HEADERS, {}))


def _too_many(verdict: Verdict) -> ApiError:
    headers = _headers(verdict)
    if not verdict.retry_after_s:
        headers["x-should-retry"] = "false"
        return ApiError(429, f"Rate limit: {verdict.message}.", headers=headers)
    seconds = max(1, math.ceil(verdict.retry_after_s))
    headers["Retry-After"] = str(seconds)
    told = f"Rate limit reached: {verdict.message}. Try again in {seconds} s."
    return ApiError(429, told, headers=headers)


def _headers(verdict: Verdict) -> dict[str, str]:
    """As OpenAI names them; of what nothing bounds there are none."""
    meters = (("requests", verdict.requests), ("tokens", verdict.tokens))
    return {
        f"x-ratelimit-{what}-{kind}": value
        for kind, meter in meters
        if meter is not None
        for what, value in _shown(meter)
    }


def _shown(meter: Meter) -> list[tuple[str, str]]:
    return [
        ("limit", str(meter.limit)),
        ("remaining", str(meter.remaining)),
        ("reset", duration(meter.reset_s)),
    ]


def duration(seconds: float) -> str:
    """As OpenAI writes it: '6m0s', '1.5s', '20ms'."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds <= 59.99:
        return f"{math.ceil(seconds * 100) / 100:g}s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + f"{minutes}m{rest}s"


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
