"""POST /v1/completions. Knows the order of its steps; each step's rules are elsewhere."""

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.answering import answer, stream
from penstock.frontend.api.body import BodyReader
from penstock.frontend.api.caller import caller
from penstock.frontend.api.completion_chunks import CompletionChunks
from penstock.frontend.api.completion_prompts import encode, end_ids
from penstock.frontend.api.completion_request import CompletionRequest, wanted
from penstock.frontend.api.completion_run import CompletionCollector, CompletionRun
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import SERVICES, Services

READER = BodyReader(CompletionRequest)


async def completions(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await READER.read(request)
    valid = await _validate(request, body, services)
    run = CompletionRun(body, valid, services)
    if valid.stream:
        return await stream(request, valid, CompletionChunks(run, body.stream_options), run.tally)
    return await answer(request, valid, CompletionCollector(run), run.tally)


async def _validate(
    request: web.Request, body: CompletionRequest, services: Services
) -> ValidRequest:
    services.check_model(body.model)
    bounds, asker = await services.bounds(), caller(request, body)
    asks = replace(wanted(body), end_ids=end_ids(body, services.tokenizer))
    prompts = await encode(body, services.encoder, bounds.max_model_len)
    valid = services.validator.validate(body, asks, prompts, asker, bounds)
    return replace(valid, answer_id=f"cmpl-{valid.name}")
