"""Server-sent events of an OpenAI stream. Knows what a chunk says of progress, not when it came.

A chunk counts as output when it carries text, or an empty text in place of one that is still held back;
the opening chunk of a chat, which only names the role, and a closing one without text do not.
"""

from typing import Any

import msgspec

DONE = b"[DONE]"


class Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Delta(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Any] | None = None

    @property
    def has_output(self) -> bool:
        return bool(self.content or self.reasoning or self.reasoning_content or self.tool_calls)


class Choice(msgspec.Struct, gc=False):
    text: str | None = None
    delta: Delta | None = None
    finish_reason: str | None = None

    @property
    def has_output(self) -> bool:
        if self.text or (self.delta and self.delta.has_output):
            return True
        is_opening = self.delta is not None and self.delta.role is not None
        return self.finish_reason is None and not is_opening


class Chunk(msgspec.Struct, gc=False):
    """One event's data; what is not named here is skipped unread."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Any = None

    @property
    def has_output(self) -> bool:
        return any(choice.has_output for choice in self.choices)

    @property
    def is_last(self) -> bool:
        """Of a choice: there may be more choices, and usage."""
        return any(choice.finish_reason is not None for choice in self.choices)


decode_chunk = msgspec.json.Decoder(Chunk).decode


class EventSplitter:
    """Bytes in any pieces to the data of whole events; comments and other fields are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        data = self._rest + data
        if b"\r" in data:
            # A pair that is torn between two reads waits for its other half.
            torn, data = (b"\r", data[:-1]) if data.endswith(b"\r") else (b"", data)
            data = data.replace(b"\r\n", b"\n") + torn
        *events, self._rest = data.split(b"\n\n")
        return [found for event in events if (found := _data_of(event)) is not None]


def _data_of(event: bytes) -> bytes | None:
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line[:5] == b"data:"]
    return b"\n".join(lines) if lines else None
