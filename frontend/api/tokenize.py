"""POST /tokenize and /detokenize. Knows the tokenizer and, of the engine, only its limits."""

from collections.abc import Sequence
from functools import partial

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from penstock.frontend.api.body import BODY, BodyReader
from penstock.frontend.api.chat_request import check_conversation
from penstock.frontend.api.shapes import json_response
from penstock.frontend.api.tokenize_request import (
    DetokenizeRequest,
    TokenizeRequest,
    ids_of,
    texts_of,
)
from penstock.frontend.encoding import Encoder
from penstock.frontend.services import SERVICES

TOKENIZE = BodyReader(TokenizeRequest)
DETOKENIZE = BodyReader(DetokenizeRequest)


class TokenizeAnswer(msgspec.Struct):
    """Of a list of texts, `tokens` and `token_strs` are lists of lists, and `count` is of them all."""

    count: int
    max_model_len: int
    tokens: Sequence[int | list[int]]
    token_strs: Sequence[str | list[str]] | UnsetType = UNSET


class DetokenizeAnswer(msgspec.Struct):
    prompt: str
    text: str


async def tokenize(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    body = await TOKENIZE.read(request)
    services.check_model(body.model)
    max_model_len = (await services.card()).max_model_len
    rows = await _encode(body, len(request[BODY]), services.encoder)
    is_batch = isinstance(texts_of(body), list)
    answer = TokenizeAnswer(
        sum(map(len, rows)), max_model_len, rows if is_batch else rows[0], UNSET
    )
    if body.return_token_strs:
        name = services.tokenizer.token_name
        spelled = await services.encoder.aside(
            answer.count, lambda: [[name(i) or "" for i in row] for row in rows]
        )
        answer.token_strs = spelled if is_batch else spelled[0]
    return json_response(answer)


async def _encode(body: TokenizeRequest, num_bytes: int, encoder: Encoder) -> list[list[int]]:
    texts = texts_of(body)
    if texts is None:
        check_conversation(body)
        return [(await encoder.chat(body, num_bytes, bool(body.add_special_tokens))).ids]
    adds_special = body.add_special_tokens is not False
    each = [texts] if isinstance(texts, str) else texts
    return [prompt.ids for prompt in await encoder.texts(each, adds_special)]


async def detokenize(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    body = await DETOKENIZE.read(request)
    services.check_model(body.model)
    ids = ids_of(body, (await services.card()).vocab_size)
    decode = partial(services.tokenizer.decode, ids, skip_special_tokens=False)
    text = await services.encoder.aside(len(ids), decode)
    return json_response(DetokenizeAnswer(text, text))
