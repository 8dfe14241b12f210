"""POST /v1/chat/completions. Knows the order of its steps; each step's rules are elsewhere."""

from aiohttp import web

from penstock.frontend.api.answering import answer, stream
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.caller import caller
from penstock.frontend.api.chat_chunks import ChatChunks
from penstock.frontend.api.chat_request import ChatRequest, check_conversation, wanted
from penstock.frontend.api.chat_run import ChatCollector, ChatRun
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import SERVICES, Services

_READER = BodyReader(ChatRequest)


async def chat_completions(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await _READER.read(request)
    valid = await _validate(request, body, services)
    run = ChatRun(body, valid, services)
    if valid.stream:
        return await stream(request, valid, ChatChunks(run, body.stream_options), run.tally)
    return await answer(request, valid, ChatCollector(run), run.tally)


async def _validate(request: web.Request, body: ChatRequest, services: Services) -> ValidRequest:
    services.check_model(body.model)
    check_conversation(body)
    bounds, asker = services.bounds(), caller(request, body)
    num_bytes = len(await request.read())
    prompt = await services.encoder.chat(body, num_bytes, bool(body.add_special_tokens))
    return services.validator.validate(body, wanted(body), [prompt], asker, bounds)
