"""A response that is over, as it is kept. Knows what a record is made of, not where it is put."""

import time
from typing import Any

from penstock.frontend.api.responses_asked import Asked
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.responses.shapes import Response
from penstock.frontend.responses.store import Record
from penstock.frontend.services import Services
from penstock.frontend.sse import json


async def keep(
    asked: Asked, response: Response, services: Services, past: list[Update] | None = None
) -> None:
    """An answer that cannot be kept is one all the same. `past` is what came of one that was streamed."""
    if not response.store or services.background is None:
        return
    keeper = services.background.keeper
    replay = keeper.replay(asked.job, past) if past else None
    await keeper.keep(record(asked, response), replay)


def record(asked: Asked, response: Response) -> Record:
    items: list[dict[str, Any]] = asked.input
    return Record(
        id=response.id,
        tenant=asked.tenant,
        created_s=time.time(),
        status=response.status,
        is_background=response.background,
        previous=response.previous_response_id,
        input=json(items),
        response=json(response),
    )
