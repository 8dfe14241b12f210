"""From the body of POST /v1/responses to a job that can be run. Knows the steps, no rule of theirs."""

import sys
import time
from typing import Any, NamedTuple

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.access import TENANT
from penstock.frontend.api import chat_asked
from penstock.frontend.api.chat_asked import Understood
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.responses_history import History
from penstock.frontend.errors import ApiError
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.responses import ids
from penstock.frontend.responses.items import as_items
from penstock.frontend.responses.job import Job
from penstock.frontend.responses.request import Item, ResponsesRequest
from penstock.frontend.responses.shapes import Response
from penstock.frontend.responses.to_chat import in_own_words, to_chat
from penstock.frontend.responses.writer import Shown
from penstock.frontend.services import Services

LEAST_BOUND_BYTES = 16 << 20
"""A kept turn is some kilobytes, however little was said: where bodies are small, conversations may be long."""


class Asked(NamedTuple):
    job: Job
    tenant: str
    input: list[Item]
    """What came with the request, each with an id."""


async def understand(request: web.Request, body: ResponsesRequest, services: Services) -> Asked:
    """Raises ApiError, in this API's own words."""
    services.check_model(body.model)
    tenant, response_id = request.get(TENANT, ""), ids.draw()
    assert body.input is not None
    history = History(services.store, tenant, services.encoder, _most(services))
    items = await history.referred(as_items(body.input))
    before = await history.before(body.previous_response_id)
    try:
        chat = to_chat(body, [*before, *items])
        asked = await chat_asked.understand(request, chat, services, history.num_bytes)
    except ApiError as error:
        raise in_own_words(error) from error
    asked = asked._replace(valid=replace(asked.valid, answer_id=response_id))
    response = _response(response_id, body, asked.valid, services.model)
    job = _job(response, body, chat, asked)
    return Asked(job, tenant, _named(response_id, items))


def _job(response: Response, body: ResponsesRequest, chat: ChatRequest, asked: Understood) -> Job:
    return Job(
        response=response,
        valid=asked.valid,
        prompt_text=asked.prompt.text,
        tools=chat.tools,
        tool_choice=chat.tool_choice,
        parallel_tool_calls=chat.parallel_tool_calls,
        include_reasoning=chat.include_reasoning,
        shown=Shown(logprobs=body.shows_logprobs, num_top=body.top_logprobs or 0),
    )


def _most(services: Services) -> int:
    """Bytes of what a request refers to: as many as it could bring itself."""
    most = services.settings.max_body_bytes
    return sys.maxsize if most is None else max(most, LEAST_BOUND_BYTES)


def _named(response_id: str, items: list[Item]) -> list[Item]:
    return [
        {
            "type": "message",
            **item,
            "id": item.get("id") or ids.item(response_id, "in", index),
            "content": _parts(item["content"]),
        }
        if "content" in item and item.get("type", "message") == "message"
        else {"id": ids.item(response_id, "in", index), "status": "completed"} | item
        for index, item in enumerate(items)
    ]


def _parts(content: Any) -> Any:
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content


def _response(
    response_id: str, body: ResponsesRequest, valid: ValidRequest, model: str
) -> Response:
    params = valid.prompts[0].params
    return Response(
        id=response_id,
        created_at=int(time.time()),
        status="queued" if body.is_background else "in_progress",
        background=body.is_background,
        model=model,
        store=body.is_stored,
        temperature=params.temperature,
        top_p=params.top_p,
        text={"format": {"type": "text"}} | (body.text or {}),
        reasoning={"effort": None, "summary": None} | (body.reasoning or {}),
        tools=[{"parameters": None, "strict": None} | tool for tool in body.tools or ()],
        tool_choice=body.tool_choice or "auto",
        parallel_tool_calls=body.parallel_tool_calls is not False,
        top_logprobs=body.top_logprobs or 0,
        truncation=body.truncation or "disabled",
        metadata=body.metadata or {},
        **{name: getattr(body, name) for name in _ECHOED},
    )


_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "user",
)
