"""Streams of any server, torn anywhere, and what of them counts as output."""

import pytest

from penstock.bench.events import EventSplitter, decode_chunk

STREAMS = [
    b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
    b": keep-alive\n\ndata: one\ndata: two\nevent: x\n\ndata:three\n\n",
    b"data: one\r\n\r\n: note\r\n\r\ndata: two\r\n\r\n",
]
EXPECTED = [
    [b'{"a":1}', b'{"b":2}', b"[DONE]"],
    [b"one\ntwo", b"three"],
    [b"one", b"two"],
]


@pytest.mark.parametrize(("stream", "expected"), list(zip(STREAMS, EXPECTED, strict=True)))
def test_events_survive_every_split(stream: bytes, expected: list[bytes]) -> None:
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            splitter = EventSplitter()
            parts = (stream[:first], stream[first:second], stream[second:])
            assert [event for part in parts for event in splitter.feed(part)] == expected


@pytest.mark.parametrize(
    ("chunk", "counts"),
    [
        ('{"choices":[{"text":"hi","finish_reason":null}]}', True),
        ('{"choices":[{"text":"hi","finish_reason":"stop"}]}', True),
        ('{"choices":[{"text":"","finish_reason":null}]}', True),
        ('{"choices":[{"text":"","finish_reason":"length"}]}', False),
        ('{"choices":[{"delta":{"role":"assistant","content":""}}]}', False),
        ('{"choices":[{"delta":{"role":"assistant","content":"hi"}}]}', True),
        ('{"choices":[{"delta":{"reasoning_content":"hm"}}]}', True),
        ('{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":null}]}', True),
        ('{"choices":[{"delta":{},"finish_reason":"stop"}]}', False),
        ('{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}', False),
    ],
)
def test_which_chunks_count_as_output(chunk: str, counts: bool) -> None:
    assert decode_chunk(chunk).has_output is counts
