"""429 and what its headers say; what is asked of the ledger for a request, and that it is always given up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai import OpenAI, RateLimitError
from support.fake_engine import granted
from support.fake_script import LIMITS
from support.front import Front, wait_until

from penstock.frontend.metering import _network, duration
from penstock.protocol.messages import Meter, Verdict

KEYS = '[[keys]]\nname = "search"\nkey = "sk-search"\n'
KEY = {"x_api_key": "sk-search"}
USED_UP = Verdict(
    0, False, "the limit of 5 requests per minute of 'search' is used up", 12.2, Meter(5, 0, 61.0)
)


@pytest.fixture(scope="module")
def metered_front(byte_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    path.write_text(KEYS)
    front = Front(byte_model, api_key_file=str(path))
    front.engine.limits = msgspec.structs.replace(LIMITS, is_metered=True)
    with front:
        yield front


@pytest.fixture
def front(metered_front: Front) -> Iterator[Front]:
    engine = metered_front.engine
    engine.verdict = granted
    metered_front.says("abc")
    for seen in (engine.generates, engine.reserved, engine.settled):
        seen.clear()
    yield metered_front
    wait_until(lambda: sorted(engine.settled) == sorted({asked.id for asked in engine.reserved}))


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/completions", {"prompt": "Hi"}),
    ("/v1/completions", {"prompt": "Hi", "stream": True}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "stream": True}),
    ("/v1/responses", {"input": "Hi"}),
    ("/v1/responses", {"input": "Hi", "stream": True}),
    ("/v1/responses", {"input": "Hi", "background": True}),
]


@pytest.mark.parametrize(("path", "body"), ASKED, ids=str)
def test_every_way_to_ask_takes_a_place_and_tells_what_is_left(
    front: Front, path: str, body: dict[str, Any]
) -> None:
    front.engine.verdict = lambda asked: Verdict(
        asked.id, True, "", 0.0, Meter(60, 59, 61.0), Meter(150_000, 149_984, 0.006)
    )
    answer = front.post(path, body, **KEY)
    assert answer.status == 200
    told = {k: v for k, v in answer.headers.items() if k.startswith("x-ratelimit-")}
    assert told == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1m1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6ms",
    }
    wait_until(lambda: len(front.engine.generates) == 1)
    (asked,) = front.engine.reserved
    assert (asked.subject, asked.resumes) == ("search", False)
    assert asked.id == front.last.reservation
    assert asked.certain == len(front.last.prompt) // 4
    assert asked.possible == front.last.params.max_tokens


@pytest.mark.parametrize(("path", "body"), ASKED, ids=str)
def test_what_is_denied_is_429_and_reaches_no_engine(
    front: Front, path: str, body: dict[str, Any]
) -> None:
    front.engine.verdict = lambda asked: USED_UP
    answer = front.post(path, body, **KEY)
    assert (answer.status, answer.error["type"], answer.error["code"]) == (
        429,
        "RateLimitError",
        429,
    )
    assert answer.headers["retry-after"] == "13"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert answer.error["message"] == (
        "Rate limit reached: the limit of 5 requests per minute of 'search' is used up. "
        "Try again in 13 s."
    )
    assert not front.engine.generates


def test_what_can_never_be_served_is_not_to_be_tried_again(front: Front) -> None:
    front.engine.verdict = lambda asked: Verdict(asked.id, False, "this request may take too many")
    answer = front.post("/v1/completions", {"prompt": "a"}, **KEY)
    assert answer.status == 429
    assert "retry-after" not in answer.headers
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("body", "certain", "possible"),
    [
        ({"prompt": "abc", "max_tokens": 7}, 3, 7),
        ({"prompt": ["abc", "de"], "max_tokens": 7}, 5, 14),
        ({"prompt": "abc", "max_tokens": 7, "n": 3, "temperature": 1}, 3, 21),
        ({"prompt": "abc", "max_tokens": 7, "n": 3, "temperature": 0}, 3, 7),
        ({"prompt": "abc", "max_tokens": 7, "n": 2, "best_of": 4, "temperature": 1}, 3, 28),
    ],
)
def test_a_request_of_many_sequences_is_one(
    front: Front, body: dict[str, Any], certain: int, possible: int
) -> None:
    assert front.post("/v1/completions", body, **KEY).status == 200
    (asked,) = front.engine.reserved
    assert (asked.certain, asked.possible) == (certain, possible)
    assert {g.reservation for g in front.engine.generates} == {asked.id}


def test_a_request_that_is_wrong_takes_no_place(front: Front) -> None:
    assert front.post("/v1/completions", {"prompt": ""}, **KEY).status == 400
    assert front.post("/tokenize", {"prompt": "a"}, **KEY).status == 200
    assert front.get("/v1/models", **KEY).status == 200
    assert front.engine.reserved == []


def test_nothing_in_a_body_says_that_limits_and_bounds_are_not_for_it(front: Front) -> None:
    hostile = {"emitted": [1], "attempt": 2, "reservation": 999, "resumes": True, "tenant": "x"}
    body = {"prompt": "a", "subject": "x", "user": "x", **hostile}
    assert front.post("/v1/completions", body, **KEY).status == 200
    (asked,) = front.engine.reserved
    assert (asked.subject, asked.resumes) == ("search", False)
    seen = front.last
    assert (seen.emitted, seen.attempt, seen.tenant) == (b"", 0, "search")
    assert seen.reservation == asked.id


def test_an_sdk_understands(front: Front) -> None:
    client = OpenAI(base_url=f"{front.url}/v1", api_key="sk-search", max_retries=0)
    front.engine.verdict = lambda asked: USED_UP
    with pytest.raises(RateLimitError) as limited:
        client.completions.create(model="tiny", prompt="a")
    assert limited.value.response.headers["retry-after"] == "13"
    client.close()


def test_without_keys_the_address_counts(byte_model: Path) -> None:
    front = Front(byte_model)
    front.engine.limits = msgspec.structs.replace(LIMITS, is_metered=True)
    with front:
        front.says("a")
        assert front.complete(user="someone").status == 200
        (asked,) = front.engine.reserved
        assert asked.subject == "addr:127.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "local"),
    ],
)
def test_an_ipv6_subscriber_is_his_network(address: str, network: str) -> None:
    assert _network(address) == network


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"), (0.0061, "7ms"), (0.9999, "1000ms"), (1, "1s"), (8.641, "8.65s"),
        (59.995, "1m0s"), (60, "1m0s"), (360, "6m0s"), (3599.5, "1h0m0s"), (86400, "24h0m0s"),
    ],
)  # fmt: skip
def test_times_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
