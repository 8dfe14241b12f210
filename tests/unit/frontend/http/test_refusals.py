"""Every way to ask wrongly: always a status that fits and an OpenAI error object that names the parameter."""

import gzip
from typing import Any

import pytest
from support.front import Front

from penstock.protocol.messages import RefusalCode, Refused

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"

BAD_PARAMETERS: list[tuple[dict[str, Any], str, str]] = [
    ({"temperature": 3.0}, "temperature", "temperature must be in [0, 2], got 3.0."),
    ({"temperature": -1}, "temperature", "in [0, 2]"),
    ({"temperature": "nan"}, "temperature", "in [0, 2]"),
    ({"temperature": "hot"}, "temperature", "expected `float"),
    ({"top_p": 0.0}, "top_p", "top_p must be in (0, 1], got 0.0."),
    ({"top_k": -5}, "top_k", "top_k must be 0 (disable), or at least 1, got -5."),
    ({"min_p": 2.0}, "min_p", "min_p must be in [0, 1], got 2.0."),
    ({"presence_penalty": 5.0}, "presence_penalty", "must be in [-2, 2], got 5.0."),
    ({"frequency_penalty": -5.0}, "frequency_penalty", "must be in [-2, 2]"),
    ({"repetition_penalty": 0.0}, "repetition_penalty", "must be greater than zero, got 0.0."),
    ({"repetition_penalty": "inf"}, "repetition_penalty", "greater than zero"),
    ({"n": 0}, "n", "n must be at least 1, got 0."),
    ({"n": 10**9}, "n", "sequences that this server queues"),
    ({"n": 2, "best_of": 1}, "best_of", "best_of must be greater than or equal to n=2"),
    ({"best_of": 10**9, "temperature": 1}, "best_of", "sequences that this server queues"),
    ({"use_beam_search": True, "stop": "x"}, "stop", "not supported with beam search"),
    ({"repetition_detection": {"max_pattern_size": 1}}, "repetition_detection", "min_count"),
    ({"repetition_detection": 3}, "repetition_detection", "expected"),
    ({"max_tokens": 0}, "max_tokens", "max_tokens must be at least 1, got 0."),
    ({"max_tokens": 3, "min_tokens": 9}, "min_tokens", "less than or equal to max_tokens=3"),
    ({"min_tokens": -1}, "min_tokens", "at least 0"),
    ({"seed": 2**63}, "seed", "64-bit"),
    ({"priority": 2**63}, "priority", "64-bit"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "at most 4"),
    ({"stop": "x" * 20_000}, "stop", "characters each"),
    ({"bad_words": ["x" * 20_000]}, "bad_words", "exceeds 16384 characters"),
    ({"stop": ""}, "stop", "stop cannot contain an empty string."),
    ({"stop": [1]}, "stop", "expected `str`"),
    ({"stop_token_ids": [99999]}, "stop_token_ids", "token_id(s) [99999] in stop_token_ids"),
    ({"stop_token_ids": [-1]}, "stop_token_ids", "out-of-vocab"),
    ({"logit_bias": {"abc": 1}}, "logit_bias", "cannot be converted to integer token IDs: ['abc']"),
    ({"logit_bias": {"99999": 1}}, "logit_bias", "out-of-vocab"),
    ({"logit_bias": {"1": "nan"}}, "logit_bias", "finite"),
    ({"allowed_token_ids": []}, "allowed_token_ids", "not None and empty!"),
    ({"allowed_token_ids": [99999]}, "allowed_token_ids", "out-of-vocab"),
    ({"bad_words": [""]}, "bad_words", "bad_words cannot contain an empty string."),
    ({"bad_words": ["x"] * 129}, "bad_words", "at most 128"),
    ({"bad_words": ["x" * 1025]}, "bad_words", "exceeds 1024 tokens"),
    ({"prompt_logprobs": 50}, "prompt_logprobs", "greater than max allowed: 20"),
    ({"prompt_logprobs": -2}, "prompt_logprobs", "at least 0"),
    ({"prompt_logprobs": 1, "stream": True}, "prompt_logprobs", "not available when `stream=True`"),
    ({"logprob_token_ids": [1]}, "logprob_token_ids", "`logprobs` must be set"),
    ({"truncate_prompt_tokens": 0}, "truncate_prompt_tokens", "-1 or at least 1"),
    ({"truncate_prompt_tokens": 9999}, "truncate_prompt_tokens", "max_model_len = 4096"),
    ({"truncation_side": "up"}, "truncation_side", "'left' or 'right'"),
    ({"stream_options": {}}, "stream_options", "only be defined when `stream=True`"),
    ({"stream_options": 1, "stream": True}, "stream_options", "expected `object"),
    ({"stream_interval": 0, "stream": True}, "stream_interval", "at least 1"),
    ({"cache_salt": "a/b"}, "cache_salt", "Parameter 'cache_salt'"),
    ({"cache_salt": "x" * 129}, "cache_salt", "128 characters"),
    ({"timeout": 0}, "timeout", "positive number"),
    ({"request_id": "a\nb"}, "request_id", "visible ASCII"),
    ({"thinking_token_budget": 0}, "thinking_token_budget", "thinking_token_budget"),
    ({"vllm_xargs": {"a": 1}}, "vllm_xargs", "not supported"),
    ({"watermarking": {"key": 1}}, "watermarking", "not supported"),
    ({"return_token_offsets": True}, "return_token_offsets", "not supported"),
]

BAD_CHATS: list[tuple[dict[str, Any], str | None, str]] = [
    ({"messages": []}, "messages", "empty conversation"),
    ({"messages": None}, "messages", "expected `array`"),
    ({"messages": [{"content": "x"}]}, "messages", "messages[0].role"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages", "string or a list of parts"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages",
        "not a multimodal model",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages", "needs its text"),
    ({"top_logprobs": 2}, "top_logprobs", "`logprobs` must be set to true"),
    ({"logprobs": True, "top_logprobs": 50}, "top_logprobs", "greater than max allowed: 20"),
    ({"tools": []}, "tools", "must not be an empty array"),
    ({"tool_choice": "auto"}, "tool_choice", "`tools` must be set"),
    ({"tools": [{}], "tool_choice": "required"}, "tools", "tools[0]: expected"),
    (
        {"add_generation_prompt": True, "continue_final_message": True},
        "continue_final_message",
        "Cannot set both",
    ),
    ({"chat_template": "{{ 1 / 0 }}"}, "chat_template", ""),
    ({"chat_template": "{% for"}, "chat_template", ""),
    ({"chat_template_kwargs": {"messages": 1}}, "messages", "must not set messages"),
    ({"functions": [{"name": "f"}]}, "functions", "not supported"),
    ({"reasoning_effort": "banana"}, "reasoning_effort", "must be one of none, minimal"),
    ({"max_completion_tokens": 0}, "max_completion_tokens", "max_completion_tokens must be"),
]

BAD_COMPLETIONS: list[tuple[dict[str, Any], str | None, str]] = [
    ({"prompt": ""}, "prompt", "not be empty"),
    ({"prompt": []}, "prompt", "not be empty"),
    ({"prompt": None}, "prompt", "not be empty"),
    ({"prompt": [[]]}, "prompt", "not be empty"),
    ({"prompt": [1, "a"]}, "prompt", "integers only"),
    ({"prompt": ["a", 1]}, "prompt", "texts or lists of token ids"),
    ({"prompt": [99999]}, "prompt", "out of vocabulary"),
    ({"prompt": [-1]}, "prompt", "out of vocabulary"),
    ({"prompt": {"a": 1}}, "prompt", "expected"),
    ({"prompt": ["a"] * 1025}, "prompt", "At most 1024"),
    ({"prompt": "x" * 4096}, "input_tokens", "maximum context length is 4096"),
    ({"logprobs": 50}, "logprobs", "Requested sample logprobs of 50"),
    ({"suffix": "x"}, "suffix", "only supported for models with FIM"),
    ({"prompt_embeds": "x"}, "prompt_embeds", "not supported"),
]

BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b'{"prompt": "a", "temperature": NaN}',
    b'{"prompt": "a", "temperature": Infinity}',
    b'{"prompt": "a", "temperature": 1e999}',
    b'{"prompt": "a", "max_tokens": 1' + b"0" * 5000 + b"}",
    b'{"prompt": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"prompt": "\xff"}',
    b'{"prompt": "a", "x": "\xff"}',
    b'{"prompt": "\\ud800"}',
    '{"prompt": "a"}'.encode("utf-16"),
    b'{"prompt": "a"} b',
]


def check(answer: Any, param: str | None, words: str) -> None:
    assert answer.status == 400, answer.data
    error = answer.error
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("BadRequestError", param, 400)
    assert words in error["message"]
    assert len(error["message"]) < 1000


@pytest.mark.parametrize(("fields", "param", "words"), BAD_PARAMETERS, ids=lambda v: str(v)[:50])
def test_bad_parameters(front: Front, fields: Any, param: str, words: str) -> None:
    check(front.chat(**fields), param, words)
    check(front.complete(**fields), param, words)
    assert not front.engine.generates


@pytest.mark.parametrize(("fields", "param", "words"), BAD_CHATS, ids=str)
def test_bad_chats(front: Front, fields: Any, param: str | None, words: str) -> None:
    check(
        front.chat(**fields) if "messages" not in fields else front.post(CHAT, fields), param, words
    )


@pytest.mark.parametrize(("fields", "param", "words"), BAD_COMPLETIONS, ids=lambda v: str(v)[:50])
def test_bad_completions(front: Front, fields: Any, param: str | None, words: str) -> None:
    check(front.complete(**{"prompt": "a", **fields}), param, words)


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda b: str(b[:40]))
def test_bad_bodies(front: Front, body: bytes) -> None:
    for path in (CHAT, COMPLETIONS, "/tokenize", "/detokenize"):
        answer = front.post(path, body)
        assert answer.status == 400, answer.data
        assert answer.error["message"]


@pytest.mark.parametrize(
    "data", [b"no gzip", gzip.compress(b'{"prompt": "a"}' * 99, mtime=0)[:-20]]
)
def test_bodies_that_are_no_gzip(front: Front, data: bytes) -> None:
    assert front.post(COMPLETIONS, data, Content_Encoding="gzip").status == 400


def test_bodies_may_be_compressed(front: Front) -> None:
    data = gzip.compress(b'{"prompt": "a"}')
    assert front.post(COMPLETIONS, data, Content_Encoding="gzip").status == 200


def test_a_missing_field_is_named(front: Front) -> None:
    check(front.post(CHAT, {}), "messages", "messages: this field is required")


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "fields",
    [
        {"bad_words": [LONG, ""]},
        {"logit_bias": {LONG: 1}},
        {"tools": [{}], "tool_choice": {"function": LONG}},
        {"messages": [{"role": "user", "content": [{"type": LONG}]}]},
        {"chat_template": "{{ raise_exception('" + LONG + "') }}"},
    ],
    ids=lambda fields: str(fields)[:30],
)
def test_messages_are_short_whatever_they_quote(front: Front, fields: dict[str, Any]) -> None:
    answer = front.post(CHAT, {"messages": [{"role": "user", "content": "Hi"}], **fields})
    assert answer.status == 400
    assert len(answer.data) < 1000


def test_parameters_that_ask_for_nothing_are_taken(front: Front) -> None:
    front.says("a")
    idle = {"function_call": "none", "modalities": ["text"], "thinking_token_budget": -1}
    unset = dict.fromkeys(("suffix", "response_format", "guided_json", "use_beam_search"))
    assert front.chat(**idle, **unset).status == 200


def test_detokenizing_takes_one_list(front: Front) -> None:
    check(front.post("/detokenize", {"tokens": [1], "token_ids": [2]}), "token_ids", "Only one")


def test_a_header_that_is_no_priority(front: Front) -> None:
    answer = front.post(COMPLETIONS, {"prompt": "a"}, X_Vllm_Priority="high")
    check(answer, "priority", "must be an integer")


def test_unknown_models_are_not_found(front: Front) -> None:
    for answer in (front.chat(model="nope"), front.get("/v1/models/nope")):
        assert answer.status == 404
        assert answer.error == {
            "message": "The model `nope` does not exist. Valid aliases: tiny, alias.",
            "type": "NotFoundError",
            "param": "model",
            "code": 404,
        }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/v1/nowhere", 404),
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/embeddings", 501),
        ("POST", "/rerank", 501),
        ("POST", "/v1/messages", 501),
        ("GET", "/v1/responses/x", 404),
        ("POST", "/v1/audio/transcriptions", 501),
    ],
)
def test_other_paths_and_methods(front: Front, method: str, path: str, status: int) -> None:
    answer = front.ask(method, path, b"{}")
    assert (answer.status, answer.error["code"]) == (status, status)
    assert ("allow" in answer.headers) == (status == 405)
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "status", "retry"),
    [
        (RefusalCode.OVERLOADED, 503, "8"),
        (RefusalCode.DRAINING, 503, "8"),
        (RefusalCode.TOO_LONG, 400, None),
        (RefusalCode.UNSUPPORTED, 400, None),
        (RefusalCode.MALFORMED, 400, None),
        (RefusalCode.DEADLINE, 504, None),
        (RefusalCode.POISONED, 500, None),
    ],
)
def test_what_the_engine_refuses_has_its_own_status(
    front: Front, code: RefusalCode, status: int, retry: str | None, stream: bool
) -> None:
    after_s = 7.2 if retry else 0.0
    front.engine.refusal = lambda request: Refused(request.id, code, "because", after_s)
    answer = front.complete(stream=stream, n=2, temperature=1)
    assert (answer.status, answer.headers.get("retry-after")) == (status, retry)
    assert answer.error["message"] == "because"
