"""POST /v1/completions: prompts of all kinds, echo, scoring, several choices."""

from typing import Any

import pytest
from support.front import Front

from penstock.protocol import token_ids


def test_an_answer_has_the_shape_that_clients_know(front: Front) -> None:
    front.says("Hello")
    body = front.complete().json
    assert body["id"].startswith("cmpl-")
    assert body["object"] == "text_completion"
    assert body["choices"] == [
        {
            "index": 0,
            "text": "Hello",
            "logprobs": None,
            "finish_reason": "stop",
            "stop_reason": None,
        }
    ]


def test_sixteen_tokens_unless_told_otherwise(front: Front) -> None:
    front.says("Hello", ends=False)
    choice = front.complete().choice
    assert (len(choice["text"]), choice["finish_reason"]) == (16, "length")


@pytest.mark.parametrize(
    ("prompt", "num"),
    [("Hi", 1), (["Hi", "Ho"], 2), ([40, 41], 1), ([[40], [41, 42], [43]], 3), (["a", [5]], 2)],
)
def test_prompts_are_texts_or_ids_alone_or_in_batches(front: Front, prompt: Any, num: int) -> None:
    front.says("a")
    body = front.complete(prompt, n=2, max_tokens=1, temperature=1).json
    assert [choice["index"] for choice in body["choices"]] == list(range(2 * num))
    assert body["usage"]["completion_tokens"] == 2 * num
    assert len(front.engine.generates) == 2 * num


def test_choices_have_seeds_of_their_own_and_greedy_ones_are_copies(front: Front) -> None:
    front.complete(n=3, seed=7, temperature=1)
    assert sorted(g.params.seed for g in front.engine.generates) == [7, 8, 9]
    front.engine.generates.clear()
    body = front.complete(n=3, temperature=0, seed=7).json
    assert len(front.engine.generates) == 1
    assert len({choice["text"] for choice in body["choices"]}) == 1
    assert body["usage"]["completion_tokens"] == 48


def test_the_first_choice_is_what_one_choice_would_have_been(front: Front) -> None:
    alone = front.complete(seed=7, temperature=1).choice["text"]
    first, second = front.complete(seed=7, temperature=1, n=2).json["choices"]
    assert first["text"] == alone != second["text"]


def test_requests_without_a_seed_are_not_repeated(front: Front) -> None:
    front.complete(temperature=1)
    front.complete(temperature=1, seed=-1)
    first, second = (g.params.seed for g in front.engine.generates)
    assert first != second


@pytest.mark.parametrize("prompt", ["Hi", [41, 74]])
def test_echo_shows_the_prompt_first(front: Front, prompt: Any) -> None:
    front.says(" there")
    ids = front.tokenizer.encode("Hi") if prompt == "Hi" else prompt
    shown = front.tokenizer.decode(ids)
    assert front.complete(prompt, echo=True).choice["text"] == shown + " there"


def test_echo_with_logprobs_scores_the_prompt(front: Front) -> None:
    front.says("ab")
    logprobs = front.complete("xyz", echo=True, logprobs=1, max_tokens=2).choice["logprobs"]
    assert logprobs["tokens"] == ["x", "y", "z", "a", "b"]
    assert logprobs["token_logprobs"] == [None, -0.5, -0.5, -0.5, -0.5]
    assert logprobs["top_logprobs"][:2] == [None, {"y": -0.5}]
    assert logprobs["text_offset"] == [0, 1, 2, 3, 4]


def test_no_output_and_echo_is_scoring(front: Front) -> None:
    front.says("ab")
    body = front.complete("xyz", echo=True, logprobs=0, max_tokens=0).json
    (choice,) = body["choices"]
    assert choice["text"] == "xyz"
    assert choice["logprobs"]["tokens"] == ["x", "y", "z"]
    assert choice["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 0


def test_prompt_logprobs_are_the_choices_own(front: Front) -> None:
    front.says("a")
    choices = front.complete(["xy", "xyz"], prompt_logprobs=1, max_tokens=1).json["choices"]
    assert [len(choice["prompt_logprobs"]) for choice in choices] == [2, 3]
    assert choices[0]["prompt_logprobs"][0] is None
    assert choices[0]["logprobs"] is None


@pytest.mark.parametrize("stream", [False, True])
def test_token_ids_are_returned_when_asked_for(front: Front, stream: bool) -> None:
    front.says("ab")
    answer = front.complete("xy", return_token_ids=True, stream=stream)
    choices = [e["choices"][0] for e in answer.events] if stream else [answer.choice]
    assert choices[0]["prompt_token_ids"] == front.tokenizer.encode("xy")
    ids = [i for choice in choices for i in choice["token_ids"]]
    assert front.tokenizer.decode(ids) == "ab"


@pytest.mark.parametrize(("side", "kept"), [(None, "cd"), ("left", "cd"), ("right", "ab")])
def test_prompts_are_cut_on_the_side_that_is_named(
    front: Front, side: str | None, kept: str
) -> None:
    front.says("a")
    front.complete("abcd", truncate_prompt_tokens=2, truncation_side=side)
    assert front.tokenizer.decode(token_ids.unpack(front.last.prompt)) == kept


@pytest.mark.parametrize(
    ("max_tokens", "kept"), [(None, 4080), (96, 4000), (4095, 1), (4096, 4095), (10**6, 4095)]
)
def test_cutting_to_what_fits_leaves_room_for_the_output(
    front: Front, max_tokens: int | None, kept: int
) -> None:
    front.says("a")
    front.complete([5] * 5000, truncate_prompt_tokens=-1, max_tokens=max_tokens)
    assert token_ids.count(front.last.prompt) == kept


def test_parameters_reach_the_engine(front: Front) -> None:
    front.says("a")
    ids = {"x": front.tokenizer.encode("x")[0]}
    answer = front.complete(
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        min_p=0.1,
        presence_penalty=1,
        frequency_penalty=-1,
        repetition_penalty=1.5,
        seed=3,
        min_tokens=1,
        max_tokens=4,
        stop_token_ids=[9],
        logit_bias={"5": 200, "6": -3},
        allowed_token_ids=[5, 6],
        bad_words=["x"],
        priority=-2,
        cache_salt="salt",
        timeout=30,
        user="someone",
    )
    assert answer.status == 200
    request, params = front.last, front.last.params
    assert (params.temperature, params.top_p, params.top_k, params.min_p) == (0.5, 0.9, 5, 0.1)
    assert (params.presence_penalty, params.frequency_penalty) == (1.0, -1.0)
    assert (params.repetition_penalty, params.seed) == (1.5, 3)
    assert (params.min_tokens, params.max_tokens) == (1, 4)
    assert params.stop_token_ids == (9,)
    assert params.logit_bias == {5: 100.0, 6: -3.0}
    assert params.allowed_token_ids == (5, 6)
    assert params.bad_words == ((ids["x"],),)
    assert params.eos_token_ids == (front.tokenizer.token_id("<|im_end|>"),)
    assert (request.priority, request.cache_salt, request.tenant) == (-2, "salt", "someone")
    assert 0 < request.deadline_s <= 30


def test_ignoring_eos_leaves_none(front: Front) -> None:
    front.complete(ignore_eos=True)
    assert front.last.params.eos_token_ids == ()


def test_the_header_sets_the_priority(front: Front) -> None:
    front.post("/v1/completions", {"prompt": "Hi", "priority": 1}, X_Vllm_Priority="-5")
    assert front.last.priority == -5


def test_numbers_may_be_strings_and_types_of_content_do_not_matter(front: Front) -> None:
    body = b'{"prompt": "Hi", "max_tokens": "3", "temperature": "0"}'
    answer = front.post("/v1/completions", body, Content_Type="text/plain")
    assert answer.json["usage"]["completion_tokens"] == 3
    assert front.last.params.is_greedy


def test_unknown_fields_are_named_in_a_header(front: Front) -> None:
    answer = front.complete(foo=1, store=True, response_format={"type": "text"}, suffix=None)
    assert answer.headers["x-ignored-params"] == "foo, store"
    assert "x-ignored-params" not in front.complete().headers


@pytest.mark.parametrize("stream", [False, True])
def test_request_ids_come_from_the_header_then_the_body(front: Front, stream: bool) -> None:
    named = front.complete(request_id="mine", stream=stream)
    assert named.headers["x-request-id"] == "mine"
    assert b"cmpl-mine" in named.data
    body = {"prompt": "Hi", "request_id": "mine"}
    assert front.post("/v1/completions", body, X_Request_Id="theirs").json["id"] == "cmpl-theirs"
    assert front.last.name == "theirs"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_repeats_itself_ends(front: Front, stream: bool) -> None:
    front.says("xabababab", ends=False)
    front.engine.tokens_per_step = 3
    rules = {"max_pattern_size": 4, "min_count": 3}
    answer = front.complete(repetition_detection=rules, max_tokens=100, stream=stream)
    choices = [e["choices"][0] for e in answer.events] if stream else [answer.choice]
    assert "".join(choice["text"] for choice in choices) == "xababab"
    assert choices[-1]["finish_reason"] == "repetition"


def test_a_repetition_that_ends_by_itself_is_a_length(front: Front) -> None:
    front.says("ab", ends=False)
    rules = {"max_pattern_size": 2, "min_count": 2}
    assert (
        front.complete(repetition_detection=rules, max_tokens=4).choice["finish_reason"] == "length"
    )


@pytest.mark.parametrize("stream", [False, True])
def test_the_prompt_is_shown_when_asked_for(front: Front, stream: bool) -> None:
    front.says("ab")
    answer = front.complete([41, 74], return_prompt_text=True, stream=stream)
    choice = answer.events[0]["choices"][0] if stream else answer.choice
    assert choice["prompt_text"] == front.tokenizer.decode([41, 74])
    assert not choice["text"].startswith(choice["prompt_text"])
