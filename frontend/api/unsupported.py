"""Endpoints that others serve and this version does not: 501 and the reason, in place of a bare 404."""

from aiohttp import web

from penstock.frontend.errors import ApiError

_EMBEDS = "The model that is served generates text; it does not embed, score or classify."
_MESSAGES = "The Anthropic API is not supported by this version; use /v1/chat/completions."
_AUDIO = "The model that is served takes text alone, no audio."
_LORA = "Adapters are not supported by this version."
_RENDER = "Rendering without generating is for chat: /v1/chat/completions/render, or /tokenize."

UNSUPPORTED = {
    "/v1/embeddings": _EMBEDS,
    "/v2/embed": _EMBEDS,
    "/pooling": _EMBEDS,
    "/classify": _EMBEDS,
    "/score": _EMBEDS,
    "/v1/score": _EMBEDS,
    "/rerank": _EMBEDS,
    "/v1/rerank": _EMBEDS,
    "/v2/rerank": _EMBEDS,
    "/v1/messages": _MESSAGES,
    "/v1/messages/count_tokens": _MESSAGES,
    "/v1/audio/transcriptions": _AUDIO,
    "/v1/audio/translations": _AUDIO,
    "/v1/audio/speech": _AUDIO,
    "/v1/realtime": _AUDIO,
    "/v1/load_lora_adapter": _LORA,
    "/v1/unload_lora_adapter": _LORA,
    "/v1/completions/render": _RENDER,
    "/v1/chat/completions/batch": "Batches of conversations are not supported by this version.",
    "/scale_elastic_ep": "This version runs one engine; there is nothing to scale.",
    "/is_scaling_elastic_ep": "This version runs one engine; there is nothing to scale.",
    "/invocations": "SageMaker's /invocations is not supported by this version.",
}


async def not_supported(request: web.Request) -> web.StreamResponse:
    resource = request.match_info.route.resource
    assert resource is not None, "only routed here by path"
    raise ApiError(501, UNSUPPORTED[resource.canonical])
