"""Items become the messages that chat templates know."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.errors import ApiError
from penstock.frontend.responses.items import as_items, messages


def call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}


def as_tool_call(call_id: str) -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }


def test_a_text_is_what_the_user_says() -> None:
    assert messages("Be kind.", as_items("Hi")) == [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]


def test_a_turn_of_the_model_is_one_message() -> None:
    items = [
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]},
        {"type": "message", "role": "assistant", "content": "I look."},
        call("a"),
        call("b"),
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
        {"role": "assistant", "content": "Three."},
    ]
    assert messages(None, items) == [
        {
            "role": "assistant",
            "reasoning": "Hm",
            "content": "I look.",
            "tool_calls": [as_tool_call("a"), as_tool_call("b")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "assistant", "content": "Three."},
    ]


def test_two_answers_in_a_row_stay_two() -> None:
    answers = [{"role": "assistant", "content": text} for text in ("One", "Two")]
    assert messages(None, answers) == answers


def test_a_summary_is_read_where_there_is_no_reasoning() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Short"}]}
    assert messages(None, [thought, call("a")])[0]["reasoning"] == "Short"


def test_thoughts_that_led_to_nothing_read_as_thoughts() -> None:
    thought = {"type": "reasoning", "summary": []}
    assert messages(None, [thought, {"role": "user", "content": "?"}]) == [
        {"role": "user", "content": "?"}
    ]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": 5},
        {"type": "computer_call"},
        {"type": "message"},
        {"type": "function_call", "name": "f"},
        {"type": "function_call_output", "output": "x"},
        {"type": "reasoning", "content": "text"},
    ],
)
def test_what_cannot_be_read_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        messages(None, [item])
    assert (caught.value.status, caught.value.param) == (400, "input")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ("type", "role", "content", "summary", "name", "call_id", "arguments", "output", "text")
)
_WORDS = st.sampled_from(
    ("message", "reasoning", "function_call", "function_call_output", "user", "assistant")
)


@given(st.lists(st.dictionaries(_KEYS, _JSON | _WORDS), max_size=5))
def test_any_items_are_read_or_refused(items: list[dict[str, Any]]) -> None:
    try:
        found = messages(None, items)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017
    else:
        assert all(isinstance(message["role"], str) for message in found)
