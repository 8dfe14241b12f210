"""What endpoints send to the engine for a constrained request, and what becomes of a refusal there."""

from typing import Any

import pytest
from support.front import Front

from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import RefusalCode, Refused

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
FIELDS: dict[str, Any] = {
    "guided_regex": "[a-z]+",
    "stop": ["b"],
    "stop_token_ids": [7],
    "ignore_eos": True,
    "min_tokens": 2,
    "max_tokens": 9,
}


def body(path: str, **fields: Any) -> dict[str, Any]:
    asked = (
        {"prompt": "Hi"}
        if path == COMPLETIONS
        else {"messages": [{"role": "user", "content": "Hi"}]}
    )
    return asked | fields


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_the_engine_gets_the_constraint_and_ends_that_it_allows(front: Front, path: str) -> None:
    front.says("abcba")
    answer = front.post(path, body(path, **FIELDS))
    assert answer.status == 200
    params = front.last.params
    assert params.constraint == Constraint("regex", "[a-z]+")
    assert params.eos_token_ids
    assert params.stop_token_ids == ()
    assert answer.choice["finish_reason"] == "stop"
    text = answer.choice["text"] if path == COMPLETIONS else answer.choice["message"]["content"]
    assert text == "abcba"


def test_without_a_constraint_nothing_changes(front: Front) -> None:
    front.says("abcba", ends=False)
    answer = front.post(CHAT, body(CHAT, **FIELDS | {"guided_regex": None, "min_tokens": 0}))
    assert (front.last.params.constraint, front.last.params.eos_token_ids) == (None, ())
    assert front.last.params.stop_token_ids == (7,)
    assert (answer.choice["message"]["content"], answer.choice["stop_reason"]) == ("a", "b")


@pytest.mark.parametrize("stream", [False, True])
def test_a_constraint_that_the_engine_refuses_is_a_400(front: Front, stream: bool) -> None:
    front.engine.refusal = lambda request: Refused(request.id, RefusalCode.UNSUPPORTED, "too deep")
    answer = front.post(CHAT, body(CHAT, guided_regex="a", stream=stream))
    assert answer.status == 400
    assert answer.error["message"] == "too deep"


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize(
    ("fields", "words", "param"),
    [
        ({"guided_regex": "a", "guided_choice": ["b"]}, "only use one kind", "guided_regex"),
        ({"structured_outputs": {"jsn": {}}}, "unknown field", "structured_outputs"),
        ({"response_format": {}}, "required", "response_format"),
        ({"response_format": 3}, "expected `object", "response_format"),
        ({"guided_choice": "a"}, "expected `array", "guided_choice"),
    ],
)
def test_what_is_asked_wrongly_never_reaches_the_engine(
    front: Front, path: str, fields: dict[str, Any], words: str, param: str
) -> None:
    num_before = len(front.engine.generates)
    answer = front.post(path, body(path, **fields))
    assert (answer.status, answer.error["param"]) == (400, param)
    assert words in answer.error["message"]
    assert len(front.engine.generates) == num_before
