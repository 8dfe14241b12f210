"""POST /v1/chat/completions. Knows the order of its steps; each step's rules are elsewhere."""

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import answer, stream
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.chat_asked import Understood, understand
from penstock.frontend.api.chat_chunks import ChatChunks
from penstock.frontend.api.chat_collector import ChatCollector
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.chat_run import ChatRun
from penstock.frontend.services import SERVICES, Services

READER = BodyReader(ChatRequest)


async def chat_completions(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await READER.read(request)
    valid, reading, _ = await understood(request, body, services)
    run = ChatRun(body, valid, reading, services)
    if valid.stream:
        return await stream(request, valid, ChatChunks(run, body.stream_options), run.tally)
    return await answer(request, valid, ChatCollector(run), run.tally)


async def understood(request: web.Request, body: ChatRequest, services: Services) -> Understood:
    """What the body comes to, and what its answer will be called. Raises ApiError."""
    services.check_model(body.model)
    found = await understand(request, body, services)
    valid = replace(found.valid, answer_id=f"chatcmpl-{found.valid.name}")
    return found._replace(valid=valid)
