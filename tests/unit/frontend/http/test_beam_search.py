"""use_beam_search over HTTP: the right beams, counted once, stopped when nobody waits for them."""

import http.client
import json
import math
from typing import Any

import pytest
from support.front import Front, wait_until

from penstock.protocol import token_ids
from penstock.protocol.messages import Generate, RefusalCode, Refused

END = 257
"""<|im_end|> of the byte model."""


def likeliest(ids: list[int]) -> int:
    return (sum(ids) * 7 + len(ids)) % 250


def of_its_prompt(request: Generate, position: int) -> int:
    """With it come the next ids, each less likely by one (see fake_script.logprobs)."""
    return likeliest(token_ids.unpack(request.prompt))


def obvious(prompt: list[int], width: int, num_steps: int) -> list[list[int]]:
    """All beams of `num_steps` tokens, none of which ends."""
    beams: list[tuple[float, list[int]]] = [(0.0, [])]
    for _ in range(num_steps):
        beams = sorted(
            (
                (total - 0.5 - place, [*ids, likeliest(prompt + ids) + place])
                for total, ids in beams
                for place in range(width)
            ),
            key=lambda beam: -beam[0],
        )[:width]
    return [ids for _, ids in beams]


@pytest.mark.parametrize("kind", ["completion", "chat"])
def test_the_likeliest_beams_are_answered(front: Front, kind: str) -> None:
    front.engine.script = of_its_prompt
    asked = {"use_beam_search": True, "n": 3, "max_tokens": 4, "return_token_ids": True}
    body = (front.complete("xy", **asked) if kind == "completion" else front.chat(**asked)).json
    prompt = token_ids.unpack(front.engine.generates[0].prompt)
    found = [choice["token_ids"] for choice in body["choices"]]
    assert found == obvious(prompt, 3, 4)
    assert [choice["finish_reason"] for choice in body["choices"]] == ["length"] * 3
    assert body["usage"]["completion_tokens"] == 12
    assert body["usage"]["prompt_tokens"] == len(prompt)


def test_each_step_asks_for_one_token_of_each_beam(front: Front) -> None:
    front.engine.script = of_its_prompt
    front.complete("xy", use_beam_search=True, n=3, max_tokens=4, priority=5, cache_salt="s")
    sent = front.engine.generates
    assert [len(g.prompt) // 4 for g in sent] == [2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert {(g.params.max_tokens, g.params.temperature) for g in sent} == {(1, 0.0)}
    assert {(g.priority, g.cache_salt) for g in sent} == {(5, "s")}


def test_a_beam_that_ends_is_a_stop(front: Front) -> None:
    front.engine.script = lambda request, position: END
    body = front.complete("xy", use_beam_search=True, n=1, return_token_ids=True).json
    [choice] = body["choices"]
    assert (choice["text"], choice["finish_reason"], choice["token_ids"]) == ("", "stop", [END])
    told = front.complete("xy", use_beam_search=True, ignore_eos=True, max_tokens=3).json
    assert told["choices"][0]["finish_reason"] == "length"
    named = front.complete("xy", use_beam_search=True, ignore_eos=True, stop_token_ids=[END])
    assert named.choice["stop_reason"] == END


def test_best_of_is_the_width_where_fewer_are_wanted(front: Front) -> None:
    front.engine.script = of_its_prompt
    asked: dict[str, Any] = {"use_beam_search": True, "max_tokens": 4, "return_token_ids": True}
    body = front.complete("xy", n=1, best_of=3, **asked).json
    prompt = token_ids.unpack(front.engine.generates[0].prompt)
    assert [c["token_ids"] for c in body["choices"]] == obvious(prompt, 3, 4)[:1]


def test_logprobs_are_of_the_answered_tokens(front: Front) -> None:
    front.engine.script = of_its_prompt
    body = front.complete("xy", use_beam_search=True, n=2, max_tokens=3, logprobs=1, echo=True)
    first, second = (choice["logprobs"] for choice in body.json["choices"])
    assert first["token_logprobs"] == [None, -0.5, -0.5, -0.5, -0.5]
    assert sum(second["token_logprobs"][2:]) == -2.5
    assert all(len(top) <= 2 for top in second["top_logprobs"][1:])


def test_each_prompt_has_its_own_search(front: Front) -> None:
    front.engine.script = of_its_prompt
    asked: dict[str, Any] = {"use_beam_search": True, "n": 2, "max_tokens": 3}
    both = front.complete(["xy", "abc"], return_token_ids=True, **asked).json["choices"]
    assert [choice["index"] for choice in both] == [0, 1, 2, 3]
    for index, prompt in enumerate(["xy", "abc"]):
        ids = front.tokenizer.encode(prompt)
        found = [choice["token_ids"] for choice in both[2 * index : 2 * index + 2]]
        assert found == obvious(ids, 2, 3)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"stream": True}, "stream", "Streaming is not currently supported with beam search"),
    ({"stop": "x"}, "stop", "not supported with beam search"),
    ({"logit_bias": {"3": 1}}, "logit_bias", "not supported with beam search"),
    ({"allowed_token_ids": [3]}, "allowed_token_ids", "not supported with beam search"),
    ({"bad_words": ["x"]}, "bad_words", "not supported with beam search"),
    ({"presence_penalty": 1}, "presence_penalty", "not supported with beam search"),
    ({"repetition_penalty": 1.1}, "repetition_penalty", "not supported with beam search"),
    ({"logprobs": 1, "logprob_token_ids": [1]}, "logprob_token_ids", "not supported"),
    ({"n": 20}, "n", "greater than max allowed: 20"),
    ({"length_penalty": math.inf}, "length_penalty", "length_penalty"),
    ({"length_penalty": 99}, "length_penalty", "must be in"),
    ({"early_stopping": "soon"}, "early_stopping", "true, false or 'never'"),
    ({"n": 0}, "n", "at least 1"),
]


@pytest.mark.parametrize(("asked", "param", "words"), REFUSED)
def test_what_beams_cannot_do_is_refused(
    front: Front, asked: dict[str, Any], param: str, words: str
) -> None:
    body = json.dumps({"prompt": "x", "use_beam_search": True, **asked}).replace(
        "Infinity", "1e999"
    )
    answer = front.post("/v1/completions", body.encode())
    assert answer.status == 400
    assert answer.error["param"] in (param, None)
    assert words in answer.error["message"]


@pytest.mark.parametrize("asked", [{"length_penalty": 2.0}, {"early_stopping": True}])
def test_its_parameters_mean_nothing_without_it(front: Front, asked: dict[str, Any]) -> None:
    answer = front.complete("x", **asked)
    assert (answer.status, answer.error["param"]) == (400, next(iter(asked)))


def test_neutral_values_are_no_wish(front: Front) -> None:
    front.engine.script = of_its_prompt
    idle = {"stop": [], "presence_penalty": 0, "logit_bias": None, "temperature": 0.7, "seed": 3}
    assert front.complete("x", use_beam_search=True, **idle).status == 200
    assert front.complete("x", use_beam_search=False, length_penalty=1.0).status == 200


def test_a_search_is_one_request_to_the_metrics(front: Front) -> None:
    front.engine.script = of_its_prompt

    def finished() -> float:
        counter = front.registry.counter("vllm:request_success_total", finished_reason="stop")
        return float(counter.value)

    before = finished()
    front.complete("xy", use_beam_search=True, n=3, max_tokens=4)
    assert finished() == before + 1


def test_an_engine_that_is_full_for_a_while_does_not_end_a_search(front: Front) -> None:
    front.engine.script = of_its_prompt
    num_seen = 0

    def refuse_the_fifth(request: Generate) -> Refused | None:
        nonlocal num_seen
        num_seen += 1
        return Refused(0, RefusalCode.OVERLOADED, "full", 0.01) if num_seen == 5 else None

    front.engine.refusal = refuse_the_fifth
    body = front.complete("xy", use_beam_search=True, n=3, max_tokens=4, return_token_ids=True)
    prompt = front.tokenizer.encode("xy")
    assert [c["token_ids"] for c in body.json["choices"]] == obvious(prompt, 3, 4)


def test_an_engine_that_is_full_at_the_start_refuses(front: Front) -> None:
    front.engine.refusal = lambda request: Refused(0, RefusalCode.OVERLOADED, "full", 3.0)
    answer = front.complete("xy", use_beam_search=True, n=3)
    assert (answer.status, answer.headers["retry-after"]) == (503, "3")


def test_a_client_that_leaves_ends_the_search(front: Front) -> None:
    front.engine.script = of_its_prompt
    front.engine.is_holding = True
    connection = http.client.HTTPConnection("127.0.0.1", front.port)
    body = {"prompt": "xy", "use_beam_search": True, "n": 2}
    connection.request("POST", "/v1/completions", json.dumps(body))
    wait_until(lambda: front.engine.num_running == 1)
    connection.close()
    wait_until(lambda: front.engine.num_running == 0)
    assert len(front.engine.generates) == 1
