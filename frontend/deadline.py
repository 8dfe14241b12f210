"""By when an answer must be complete. Knows clocks, not what is answered."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator

from penstock.frontend.errors import ApiError, bad_request


def checked_timeout(timeout_s: float, name: str) -> float:
    """Raises ApiError 400."""
    if not 0 < timeout_s < math.inf:
        raise bad_request(f"{name} must be a positive number of seconds, got {timeout_s}.", name)
    return timeout_s


def shortest(*times_s: float | None) -> float:
    """Of those that are given; 0 when none is."""
    return min((time_s for time_s in times_s if time_s), default=0.0)


@contextlib.asynccontextmanager
async def within(timeout_s: float, since_s: float) -> AsyncIterator[None]:
    """`since_s` is on time.monotonic's clock; a timeout of 0 is none. Raises ApiError 504."""
    if not timeout_s:
        yield
        return
    limit = asyncio.timeout(since_s + timeout_s - time.monotonic())
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise ApiError(504, f"The answer was not complete within {timeout_s:g} s.") from error
