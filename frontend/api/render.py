"""POST /v1/chat/completions/render: what a chat request comes to, and no answer. Knows forms, not what is in them."""

from typing import Any, Literal

import msgspec
from aiohttp import web

from penstock.frontend.api.body import BODY, BodyReader
from penstock.frontend.api.chat import understood
from penstock.frontend.api.chat_asked import Understood
from penstock.frontend.api.chat_request import ChatRequest, check_conversation
from penstock.frontend.api.conversation_html import conversation_html
from penstock.frontend.api.query import QueryReader
from penstock.frontend.api.shapes import json_response
from penstock.frontend.prompts import ValidPrompt
from penstock.frontend.services import SERVICES, Services

Form = Literal["html", "json", "text"]
_FORMS: dict[str, Form] = {"text/html": "html", "application/json": "json", "text/plain": "text"}
_HARMLESS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""What clients wrote comes back, escaped; a browser that is shown it is to run nothing even so."""


class RenderQuery(msgspec.Struct, frozen=True):
    format: Form | None = None
    """Wins over the Accept header."""


class RenderedChat(msgspec.Struct, kw_only=True):
    """The request as the engine would get it."""

    request_id: str
    model: str
    prompt: str
    token_ids: list[int]
    sampling_params: dict[str, Any]
    """By vLLM's names; the seed is drawn where the request names none."""
    stream: bool
    priority: int
    cache_salt: str | None


READER = BodyReader(ChatRequest)
QUERY = QueryReader(RenderQuery)


async def render(request: web.Request) -> web.Response:
    services, form = request.app[SERVICES], _form(request)
    body = await READER.read(request)
    if form == "html":
        return await _html(request, body, services)
    found = await understood(request, body, services)
    if form == "text":
        return web.Response(text=_text(found, services), headers=_HARMLESS)
    return json_response(_rendered(body, found, services))


def _form(request: web.Request) -> Form:
    """A client that takes anything gets what the server was told to give."""
    asked = QUERY.read(request).format
    if asked is not None:
        return asked
    for accepted in request.headers.get("Accept", "").split(","):
        form = _FORMS.get(accepted.partition(";")[0].strip())
        if form is not None:
            return form
    return "json" if request.app[SERVICES].settings.enable_scale_out else "html"


async def _html(request: web.Request, body: ChatRequest, services: Services) -> web.Response:
    services.check_model(body.model)
    check_conversation(body)
    language = request.headers.get("Accept-Language", "")
    page = await services.encoder.aside(
        len(request[BODY]), lambda: conversation_html(body.messages, language)
    )
    return web.Response(text=page, content_type="text/html", headers=_HARMLESS)


def _text(found: Understood, services: Services) -> str:
    """Of a prompt that was cut, what is left."""
    (prompt,) = found.valid.prompts
    if prompt.text is not None:
        return prompt.text
    return services.tokenizer.decode(prompt.ids, skip_special_tokens=False)


def _rendered(body: ChatRequest, found: Understood, services: Services) -> RenderedChat:
    valid = found.valid
    (prompt,) = valid.prompts
    return RenderedChat(
        request_id=valid.answer_id,
        model=services.model,
        prompt=_text(found, services),
        token_ids=prompt.ids,
        sampling_params=_params(prompt, found),
        stream=valid.stream,
        priority=valid.priority,
        cache_salt=valid.cache_salt or None,
    )


_SAME = (
    "max_tokens",
    "min_tokens",
    "seed",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "stop_token_ids",
    "logit_bias",
    "allowed_token_ids",
    "logprobs",
    "prompt_logprobs",
)


def _params(prompt: ValidPrompt, found: Understood) -> dict[str, Any]:
    params, valid = prompt.params, found.valid
    constraint = params.constraint
    return {name: getattr(params, name) for name in _SAME} | {
        "n": valid.n,
        "stop": valid.stop,
        "include_stop_str_in_output": valid.include_stop,
        "ignore_eos": not params.eos_token_ids,
        "skip_special_tokens": valid.skip_special_tokens,
        "structured_outputs": None if constraint is None else {constraint.kind: constraint.text},
    }
