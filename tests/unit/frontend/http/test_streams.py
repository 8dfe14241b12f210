"""Streamed or not, the answer is the same; and a chunk made in haste equals one made with care."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.front import Front, wait_until

from penstock.frontend.api.chat_shapes import ChatChunk, ChatChunkChoice, ChatDelta
from penstock.frontend.api.text_frame import TextFrame
from penstock.frontend.engine import Update
from penstock.frontend.generation import at_intervals
from penstock.frontend.sse import event
from penstock.protocol.messages import FinishReason

TEXT = "One, two, 三, four — five 🙂 six, seven"
CASES: list[dict[str, Any]] = [
    {},
    {"n": 3, "temperature": 1},
    {"n": 2, "temperature": 0},
    {"stop": "five"},
    {"stop": ["six", "三"], "include_stop_str_in_output": True},
    {"stop": [", f", "zzz"], "n": 2},
    {"stop_token_ids": [15]},
    {"stop": "two", "min_tokens": 20},
    {"logprobs": 2},
    {"logprobs": 1, "stop": "four", "n": 2},
    {"echo": True},
    {"echo": True, "logprobs": 1, "n": 2},
    {"echo": True, "max_tokens": 0, "logprobs": 1},
    {"max_tokens": 5},
    {"stream_interval": 7},
    {"stream_interval": 4, "stop": "four", "logprobs": 1},
    {"return_token_ids": True},
    {"skip_special_tokens": False, "include_stop_str_in_output": True},
    {"ignore_eos": True, "max_tokens": 90},
]


def joined(events: list[Any]) -> dict[int, dict[str, Any]]:
    """The choices of a stream, put together again."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in events:
        for part in chunk["choices"]:
            known = choices.setdefault(part["index"], {"text": "", "logprobs": None})
            known["text"] += part["text"] if "text" in part else part["delta"]["content"]
            known["reason"] = part["finish_reason"], part.get("stop_reason")
            if part["logprobs"] is not None:
                add_logprobs(known, part["logprobs"])
    return choices


def add_logprobs(known: dict[str, Any], logprobs: dict[str, list[Any]]) -> None:
    so_far = known["logprobs"] or {name: [] for name in logprobs}
    known["logprobs"] = {name: so_far[name] + logprobs[name] for name in logprobs}


def whole(body: Any) -> dict[int, dict[str, Any]]:
    return {
        choice["index"]: {
            "text": choice["text"] if "text" in choice else choice["message"]["content"],
            "logprobs": choice["logprobs"],
            "reason": (choice["finish_reason"], choice["stop_reason"]),
        }
        for choice in body["choices"]
    }


@pytest.mark.parametrize("tokens_per_step", [1, 5])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_completions(front: Front, case: dict[str, Any], tokens_per_step: int) -> None:
    front.says(TEXT)
    front.engine.tokens_per_step = tokens_per_step
    body = {"max_tokens": 200, "seed": 5, **case}
    answer = front.complete("Say, 你", **body).json
    streamed = front.complete(
        "Say, 你", **body, stream=True, stream_options={"include_usage": True}
    )
    assert joined(streamed.events) == whole(answer)
    assert streamed.events[-1]["usage"] == answer["usage"]


@pytest.mark.parametrize("case", [c for c in CASES if c.get("max_tokens") != 0], ids=str)
def test_chat(front: Front, case: dict[str, Any]) -> None:
    front.says(TEXT)
    front.engine.tokens_per_step = 3
    body = {"max_tokens": 200, "seed": 5, **case}
    if "logprobs" in body:
        body |= {"logprobs": True, "top_logprobs": case["logprobs"]}
    answer = front.chat(**body).json
    streamed = front.chat(**body, stream=True, stream_options={"include_usage": True})
    assert joined(streamed.events) == whole(answer)
    assert streamed.events[-1]["usage"] == answer["usage"]


def test_a_stop_string_ends_the_text_and_aborts_the_rest(front: Front) -> None:
    front.says(TEXT, ends=False)
    choice = front.complete(max_tokens=4000, stop=["five", "nine"]).choice
    assert choice["text"] == TEXT[: TEXT.index("five")]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", "five")
    wait_until(lambda: len(front.engine.aborted) == 1)


def test_a_stop_token_is_named(front: Front) -> None:
    front.says("abc")
    token = front.tokenizer.encode("b")[0]
    choice = front.complete(stop_token_ids=[token]).choice
    assert (choice["text"], choice["stop_reason"]) == ("a", token)


def test_the_first_update_does_not_wait_for_the_interval() -> None:
    def collect(interval: int) -> list[list[int]]:
        taken: list[list[int]] = []

        def take(update: Update) -> bool:
            taken.append(update.token_ids)
            return True

        hold = at_intervals(take, interval)
        for token in range(11):
            assert hold(Update([token], FinishReason.LENGTH if token == 10 else None))
        return taken

    assert collect(1) == [[token] for token in range(11)]
    assert collect(4) == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


@given(st.text())
def test_a_text_frame_equals_the_whole_chunk(text: str) -> None:
    def chunk(content: str) -> ChatChunk:
        choice = ChatChunkChoice(1, ChatDelta(msgspec.UNSET, content))
        return ChatChunk(id='chatcmpl-"\\', created=1, model='m"', choices=[choice])

    assert TextFrame(chunk(TextFrame.MARK))(text) == event(chunk(text))
