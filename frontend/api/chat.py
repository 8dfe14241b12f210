"""POST /v1/chat/completions. Knows the order of its steps; each step's rules are elsewhere."""

from functools import partial
from typing import NamedTuple

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import answer, stream
from penstock.frontend.api.body import BODY, BodyReader
from penstock.frontend.api.caller import caller
from penstock.frontend.api.chat_chunks import ChatChunks
from penstock.frontend.api.chat_collector import ChatCollector
from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest, check_conversation
from penstock.frontend.api.chat_run import ChatRun
from penstock.frontend.api.chat_tools import read_tools
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import SERVICES, Services

READER = BodyReader(ChatRequest)


class Understood(NamedTuple):
    """What a body comes to."""

    valid: ValidRequest
    reading: Reading


async def chat_completions(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await READER.read(request)
    valid, reading = await understand(request, body, services)
    run = ChatRun(body, valid, reading, services)
    if valid.stream:
        return await stream(request, valid, ChatChunks(run, body.stream_options), run.tally)
    return await answer(request, valid, ChatCollector(run), run.tally)


async def understand(request: web.Request, body: ChatRequest, services: Services) -> Understood:
    """Raises ApiError."""
    services.check_model(body.model)
    check_conversation(body)
    tools = read_tools(body.tools, body.tool_choice, body.parallel_tool_calls)
    bounds, asker = services.bounds(), caller(request, body)
    num_bytes = len(request[BODY])
    most = bounds.max_model_len if body.truncate_prompt_tokens is None else None
    prompt = await services.encoder.chat(body, num_bytes, bool(body.add_special_tokens), most)
    reading = services.answers.reading(body, tools, prompt)
    answers = services.answers
    wanted = await services.encoder.aside(tools.num_bytes, partial(answers.wanted, body, reading))
    valid = services.validator.validate(body, wanted, [prompt], asker, bounds)
    valid = replace(
        valid,
        answer_id=f"chatcmpl-{valid.name}",
        shown_ids=answers.shown_ids(reading),
        tells_parts=reading.counts_thoughts,
    )
    return Understood(valid, reading)
