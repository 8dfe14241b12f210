"""From a conversation to a request that can be run, for every API that has some. Knows the steps, no rule of theirs."""

from functools import partial
from typing import NamedTuple

from aiohttp import web
from msgspec.structs import replace

from penstock.frontend.api.body import BODY
from penstock.frontend.api.caller import caller
from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest, check_conversation
from penstock.frontend.api.chat_tools import read_tools
from penstock.frontend.encoding import Prompt
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import Services


class Understood(NamedTuple):
    valid: ValidRequest
    reading: Reading
    prompt: Prompt


async def understand(
    request: web.Request, chat: ChatRequest, services: Services, num_known: int = 0
) -> Understood:
    """`num_known` characters of the conversation did not come with the request. Raises ApiError."""
    check_conversation(chat)
    tools = read_tools(chat.tools, chat.tool_choice, chat.parallel_tool_calls)
    bounds, asker = await services.bounds(), caller(request, chat)
    num_bytes = len(request[BODY]) + num_known
    most = bounds.max_model_len if chat.truncate_prompt_tokens is None else None
    prompt = await services.encoder.chat(chat, num_bytes, bool(chat.add_special_tokens), most)
    answers = services.answers
    reading = answers.reading(chat, tools, prompt)
    wanted = await services.encoder.aside(tools.num_bytes, partial(answers.wanted, chat, reading))
    valid = services.validator.validate(chat, wanted, [prompt], asker, bounds)
    valid = replace(
        valid, shown_ids=answers.shown_ids(reading), tells_parts=reading.counts_thoughts
    )
    return Understood(valid, reading, prompt)
