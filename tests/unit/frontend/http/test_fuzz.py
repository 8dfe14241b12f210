"""Whatever is posted: an answer, or an error of the client's own; never one of ours."""

import json
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from support.examples import examples
from support.front import Front

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.completion_request import CompletionRequest
from penstock.frontend.api.tokenize_request import DetokenizeRequest, TokenizeRequest
from penstock.frontend.api.unsupported_params import UNSUPPORTED
from penstock.frontend.responses.request import ResponsesRequest

FUZZ = examples(
    100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 5)
    | st.floats()
    | st.sampled_from([0.0, 0.5, 1.0, 1e308, 2**63, -(2**63), 2**64, 10**30])
    | st.text(max_size=8)
    | st.sampled_from(["", "1", "nan", "-inf", "null", "true", "left", "auto", "\0", "\ud800"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
LIKELY: dict[str, Any] = {
    "model": st.sampled_from(["tiny", "alias"]),
    "stream": st.booleans(),
    "n": st.integers(1, 3),
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0.1, 1),
    "top_k": st.integers(-1, 300),
    "min_p": st.floats(0, 1),
    "presence_penalty": st.floats(-2, 2),
    "repetition_penalty": st.floats(0.1, 3),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "stop": st.text(min_size=1, max_size=2) | st.lists(st.text(min_size=1, max_size=2), max_size=4),
    "stop_token_ids": st.lists(st.integers(0, 257), max_size=2),
    "logit_bias": st.dictionaries(st.integers(0, 257).map(str), st.floats(-200, 200), max_size=2),
    "bad_words": st.lists(st.sampled_from(["a", " b", "cd"]), max_size=2),
    "ignore_eos": st.booleans(),
    "echo": st.booleans(),
    "return_token_ids": st.booleans(),
    "user": st.text(max_size=5),
}
parts = st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=5)})
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"])},
        optional={"content": st.text(max_size=9) | st.lists(parts, max_size=2), "name": values},
    ),
    min_size=1,
    max_size=3,
)
prompts = st.text(min_size=1, max_size=9) | st.lists(
    st.text(min_size=1, max_size=4) | st.lists(st.integers(0, 257), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
)
texts = st.text(min_size=1, max_size=9)
items = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["message", "reasoning", "function_call", "item_reference"])},
        optional={
            "role": st.sampled_from(["user", "assistant", "developer"]),
            "content": st.text(max_size=9) | st.lists(parts, max_size=2) | values,
            "name": values | st.just("f"),
            "call_id": values | st.just("c"),
            "id": values,
        },
    ),
    min_size=1,
    max_size=3,
)


def bodies(kind: Any, **needed: Any) -> Any:
    """Bodies that are served, of which every other has fields of any value over them."""
    fields = sorted({*kind.__struct_encode_fields__, *UNSUPPORTED, "unheard_of"})
    wild = st.dictionaries(st.sampled_from(fields), values, max_size=3)
    likely = {name: value for name, value in LIKELY.items() if name in fields}
    sane = st.fixed_dictionaries(needed, optional=likely)
    return sane | st.builds(lambda body, over: body | over, sane, wild)


def check(front: Front, path: str, body: Any) -> None:
    data = json.dumps(body).encode("utf-8", "surrogatepass")
    answer = front.post(path, data)
    assert answer.status in (200, 400, 404), (body, answer)
    if answer.status != 200:
        assert answer.error["message"]
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert path == "/v1/responses" or answer.events
    else:
        assert answer.json


@FUZZ
@given(bodies(ChatRequest, messages=messages, max_tokens=st.integers(1, 4)))
def test_chat(front: Front, body: Any) -> None:
    front.says("ab")
    check(front, "/v1/chat/completions", body)


@FUZZ
@given(bodies(CompletionRequest, prompt=prompts, logprobs=st.none() | st.integers(0, 3)))
def test_completions(front: Front, body: Any) -> None:
    front.says("ab")
    check(front, "/v1/completions", body)


@FUZZ
@given(bodies(ResponsesRequest, input=texts | items, max_output_tokens=st.integers(1, 4)))
def test_responses(front: Front, body: Any) -> None:
    front.says("ab")
    check(front, "/v1/responses", body)


@FUZZ
@given(bodies(TokenizeRequest, text=prompts) | bodies(TokenizeRequest, messages=messages))
def test_tokenize(front: Front, body: Any) -> None:
    check(front, "/tokenize", body)


@FUZZ
@given(bodies(DetokenizeRequest, tokens=st.lists(st.integers(0, 257), max_size=3)))
def test_detokenize(front: Front, body: Any) -> None:
    check(front, "/detokenize", body)


@FUZZ
@given(st.binary(max_size=60), st.sampled_from(["/v1/chat/completions", "/v1/completions"]))
def test_bytes_that_are_no_json(front: Front, data: bytes, path: str) -> None:
    assert front.post(path, data).status == 400
