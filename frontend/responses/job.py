"""All that another front end needs to go on with a response. Knows how it is written down, not when it is needed."""

import time
from typing import Any

import msgspec
from msgspec.structs import replace

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.chat_tools import read_tools
from penstock.frontend.encoding import Prompt
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.responses.shapes import Response
from penstock.frontend.responses.writer import ResponseWriter, Shown
from penstock.frontend.text.tokenizer import Tokenizer


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt's ids, the seed and all parameters are in `valid`: nothing is drawn or rendered twice."""

    response: Response
    """As it was when nothing had happened yet."""
    valid: ValidRequest
    prompt_text: str | None
    """Whole, where the ids are truncated."""
    tools: list[dict[str, Any]] | None
    tool_choice: Any
    parallel_tool_calls: bool | None
    include_reasoning: bool | None
    shown: Shown

    def writer(self, answers: AnswerRules, tokenizer: Tokenizer) -> ResponseWriter:
        """From the response's first event on."""
        reading = self._reading(answers)
        return ResponseWriter(self.response, self.valid, reading, self.shown, tokenizer)

    def _reading(self, answers: AnswerRules) -> Reading:
        tools = read_tools(self.tools, self.tool_choice, self.parallel_tool_calls)
        chat = ChatRequest(messages=[], include_reasoning=self.include_reasoning)
        return answers.reading(chat, tools, Prompt(self.valid.prompts[0].ids, self.prompt_text))


_ANEW = {"deadline_s": 0.0, "reservation": 0}


def encode(job: Job) -> bytes:
    return msgspec.msgpack.encode(job)


def decode(data: bytes) -> Job:
    """Its clock begins anew, and nobody waits for its first token."""
    job, now_s = msgspec.msgpack.decode(data, type=Job), time.monotonic()
    return replace(job, valid=replace(job.valid, **_ANEW, arrived_s=now_s, tokenized_s=now_s))


def encode_past(updates: list[Update]) -> bytes:
    return msgspec.msgpack.encode(updates) if updates else b""


def decode_pasts(pasts: list[bytes]) -> list[Update]:
    return [
        update
        for past in filter(None, pasts)
        for update in msgspec.msgpack.decode(past, type=list[Update])
    ]
