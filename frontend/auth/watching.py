"""Keeps a running front end's keys up to date. Knows when to look, not at what."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from penstock.frontend.services import SERVICES

LOOK_S = 0.5


async def watch_keys(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`."""
    keys = app[SERVICES].keys
    if not keys.may_change:
        yield
        return

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            keys.refresh()

    task = asyncio.create_task(look())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
