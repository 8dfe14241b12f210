"""Structured output over HTTP: whatever is asked beside it, every answer is what its constraint says."""

import json
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from support.deployment import Deployment, chunks_of
from support.hostile import hostile
from support.schemas import random_schema

SCHEMAS = [random_schema(seed, size=1 + seed // 13) for seed in range(50)]
TINY = (
    *("--max-model-len", "1632", "--num-gpu-blocks-override", "102"),
    *("--max-num-seqs", "32", "--max-num-batched-tokens", "64"),
)
ITEM = {
    "type": "object",
    "properties": {"key": {"type": "string", "pattern": "^[a-z]{9}$"}, "on": {"type": "boolean"}},
    "required": ["key", "on"],
    "additionalProperties": False,
}
LONG = {"type": "array", "items": ITEM, "minItems": 15, "maxItems": 15}
CONTENT = "Describe yourself, the river and a machine that turns."


@pytest.fixture(scope="module")
def tiny() -> Iterator[Deployment]:
    """So little KV memory that sequences take it from one another."""
    with Deployment(*TINY) as deployment:
        yield deployment


def body(number: int) -> dict[str, Any]:
    """One of many ways to ask for one of the schemas."""
    dice = random.Random(number)
    asked: dict[str, Any] = {
        "messages": [{"role": "user", "content": CONTENT[: dice.randint(5, len(CONTENT))]}],
        "temperature": 1.5,
        "seed": number,
        "max_tokens": 1500,
        "n": dice.choice((1, 1, 1, 2, 3)),
        "stream": dice.random() < 0.4,
    }
    extras: list[dict[str, Any]] = [
        {},
        {"stop": ["}", ",", "a"]},
        {"presence_penalty": 2, "frequency_penalty": 1.5},
        {"logit_bias": {str(dice.randrange(3000)): 100 for _ in range(30)}},
        {"logprobs": True, "top_logprobs": 2},
        {"min_tokens": 30, "bad_words": ['"', "{", ":"]},
        {"ignore_eos": True, "stop_token_ids": [dice.randrange(3000) for _ in range(50)]},
        {"allowed_token_ids": [dice.randrange(3000) for _ in range(200)]},
    ]
    return asked | dice.choice(extras) | spelled(dice, SCHEMAS[number % len(SCHEMAS)])


def spelled(dice: random.Random, schema: dict[str, Any]) -> dict[str, Any]:
    named = {"name": "answer", "schema": schema, "strict": True}
    spellings: list[dict[str, Any]] = [
        {"response_format": {"type": "json_schema", "json_schema": named}},
        {"structured_outputs": {"json": schema, "disable_any_whitespace": True}},
        {"guided_json": json.dumps(schema)},
    ]
    return dice.choice(spellings)


def contents(deployment: Deployment, asked: dict[str, Any]) -> list[str]:
    """The text of each choice, which must have come to its own end."""
    status, answer = deployment.post("/v1/chat/completions", asked)
    assert status == 200, answer
    if not asked.get("stream"):
        assert {choice["finish_reason"] for choice in answer["choices"]} == {"stop"}, answer
        return [choice["message"]["content"] for choice in answer["choices"]]
    texts = [""] * asked.get("n", 1)
    for choice in (choice for chunk in chunks_of(answer) for choice in chunk["choices"]):
        texts[choice["index"]] += choice["delta"].get("content") or ""
        assert choice["finish_reason"] in (None, "stop")
    return texts


def check(deployment: Deployment, number: int) -> None:
    for text in contents(deployment, body(number)):
        schema = SCHEMAS[number % len(SCHEMAS)]
        jsonschema.validate(json.loads(text), schema, cls=jsonschema.Draft202012Validator)


def check_all(deployment: Deployment, numbers: range) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: check(deployment, number), numbers))


def test_answers_validate(brook: Deployment) -> None:
    check_all(brook, range(100))


@pytest.mark.long
def test_a_thousand_answers_validate(brook: Deployment) -> None:
    check_all(brook, range(1000))


def test_answers_are_the_same_though_sequences_are_preempted(
    brook: Deployment, tiny: Deployment
) -> None:
    asked = [
        {"prompt": "Once", "max_tokens": 900, "temperature": 1.5, "seed": seed}
        | {"structured_outputs": {"json": LONG, "disable_any_whitespace": True}}
        for seed in range(16)
    ]
    with ThreadPoolExecutor(16) as pool:
        crowded = list(pool.map(lambda some: completed(tiny, some), asked))
    assert tiny.metric("vllm:num_preemptions_total") > 0
    assert crowded == [completed(brook, some) for some in asked]
    for text in crowded:
        jsonschema.validate(json.loads(text), LONG)


def completed(deployment: Deployment, asked: dict[str, Any]) -> str:
    status, answer = deployment.post("/v1/completions", asked)
    assert status == 200, answer
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "stop"
    return str(choice["text"])


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"response_format": {"type": "json_object"}, "max_tokens": 400}, None),
        ({"structured_outputs": {"regex": r"[0-9]{3}-[a-z]{2,5}"}}, r"[0-9]{3}-[a-z]{2,5}"),
        ({"guided_regex": "(yes|no), (sir|madam)"}, "(yes|no), (sir|madam)"),
        ({"structured_outputs": {"choice": ["red", "green", "größer"]}}, "red|green|größer"),
        ({"guided_grammar": 'root ::= "x" [0-9] | "y" "y"? tail\ntail ::= "z"'}, "x[0-9]|yy?z"),
        ({"structured_outputs": {"grammar": 'start: "f(" NUM ")"\nNUM: /[0-9]{1,3}/'}}, r"f\(\d{1,3}\)"),
    ],
)  # fmt: skip
def test_every_kind_is_enforced(
    brook: Deployment, fields: dict[str, Any], pattern: str | None
) -> None:
    messages = [{"role": "user", "content": CONTENT}]
    asked = {"messages": messages, "temperature": 1.5, "n": 4, "max_tokens": 200, **fields}
    if pattern is None:
        status, answer = brook.post("/v1/chat/completions", asked)
        assert status == 200
        ended = [c for c in answer["choices"] if c["finish_reason"] == "stop"]
        assert all(isinstance(json.loads(c["message"]["content"]), dict) for c in ended)
    else:
        assert all(re.fullmatch(pattern, text) for text in contents(brook, asked))


def test_completions_take_them_too(brook: Deployment) -> None:
    asked = {"prompt": ["one", "two"], "guided_choice": ["a", "bc"], "temperature": 2.0, "n": 5}
    status, answer = brook.post("/v1/completions", asked)
    assert status == 200
    assert {choice["text"] for choice in answer["choices"]} <= {"a", "bc"}


@pytest.mark.parametrize(
    ("fields", "reason", "param"),
    [
        ({"guided_regex": "a", "guided_choice": ["b"]}, "only use one kind", "guided_regex"),
        ({"guided_json": {"type": "array", "uniqueItems": True}}, "uniqueItems", None),
        ({"guided_regex": "(?=a)b"}, "look-around", None),
        ({"guided_choice": []}, "empty list", "guided_choice"),
        ({"response_format": {"type": "json_schema"}}, "must be provided", "response_format"),
        ({"structured_outputs": {"jsn": {}}}, "unknown field", "structured_outputs"),
        ({"guided_grammar": "start: nothing"}, "nothing", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_enforced_is_a_400_that_says_why(
    brook: Deployment, fields: dict[str, Any], reason: str, param: str | None, stream: bool
) -> None:
    asked = {"messages": [{"role": "user", "content": "Hi"}], "stream": stream, **fields}
    status, answer = brook.post("/v1/chat/completions", asked)
    assert status == 400
    assert reason in answer["error"]["message"]
    assert answer["error"]["param"] == param


def test_hostile_constraints_are_refused_or_enforced_and_leave_no_trace(brook: Deployment) -> None:
    check_hostile(brook, range(60))


@pytest.mark.long
def test_two_thousand_hostile_constraints(brook: Deployment) -> None:
    check_hostile(brook, range(1000, 3000))


def check_hostile(deployment: Deployment, seeds: range) -> None:
    """One after the other, while an innocent stream goes on; each within a time that a busy machine allows."""
    workers = deployment.pids("penstock.workers")
    with ThreadPoolExecutor(1) as pool:
        innocent = pool.submit(innocently, deployment)
        outcomes = [outcome(deployment, seed) for seed in seeds]
        assert innocent.result() == innocently(deployment)
    assert deployment.pids("penstock.workers")[:1] == workers[:1]
    assert deployment.metric("penstock:worker_restarts_total") == 0
    took = sorted((took_s, seed) for took_s, _, seed in outcomes)
    print(Counter(status for _, status, _ in outcomes), "slowest, and of which seed:", took[-5:])
    assert took[-1][0] < 20


def outcome(deployment: Deployment, seed: int) -> tuple[float, int, int]:
    """Seconds, status and `seed`."""
    begun = time.monotonic()
    asked = {"prompt": "Hi", "max_tokens": 30, "temperature": 1.5, "seed": seed}
    status, answer = deployment.post("/v1/completions", asked | hostile(seed))
    assert status in (200, 400), (seed, status, answer)
    return time.monotonic() - begun, status, seed


def innocently(deployment: Deployment) -> str:
    asked = {"prompt": "Once", "max_tokens": 1500, "ignore_eos": True, "temperature": 0}
    status, answer = deployment.post("/v1/completions", asked)
    assert status == 200
    return str(answer["choices"][0]["text"])


@pytest.fixture(scope="module")
def mortal() -> Iterator[Deployment]:
    with Deployment() as deployment:
        yield deployment


@pytest.mark.parametrize("program", ["penstock.workers", "penstock.engine_core"])
def test_an_answer_goes_on_after_a_program_was_killed(
    brook: Deployment, mortal: Deployment, program: str
) -> None:
    asked = {"prompt": "Once", "max_tokens": 1500, "temperature": 1.2, "seed": 5}
    asked["structured_outputs"] = {"json": LONG | {"minItems": 45, "maxItems": 45}}
    expected = completed(brook, asked)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(completed, mortal, asked)
        mortal.wait_until(lambda: mortal.metric("vllm:num_requests_running") > 0, 60)
        time.sleep(0.3)
        os.kill(mortal.pids(program)[0], signal.SIGKILL)
        assert answer.result() == expected
    mortal.wait_until(mortal.is_whole, 60)
