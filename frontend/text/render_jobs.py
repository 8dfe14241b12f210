"""What passes between a front end and the process that renders a request's own template. Knows no Jinja."""

import msgspec

from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TextError


class RenderJob(msgspec.Struct, frozen=True):
    """A template, and what it is to show."""

    source: str
    conversation: Conversation


class Rendered(msgspec.Struct, frozen=True, tag=True):
    text: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A TextError's words: what failed and where is in them."""

    message: str


Answer = Rendered | Failed
LENGTH_BYTES = 4
_JOBS = msgspec.json.Decoder(RenderJob)
_ANSWERS: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def encode(message: RenderJob | Answer) -> bytes:
    """One frame: its length, little-endian, and JSON. Raises TextError for text that UTF-8 cannot hold."""
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError as error:
        raise TextError("the text holds a lone surrogate, which no tokenizer takes") from error
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def decode_job(body: bytes) -> RenderJob:
    return _JOBS.decode(body)


def decode_answer(body: bytes) -> Answer:
    return _ANSWERS.decode(body)
