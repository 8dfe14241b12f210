"""Pages of other origins: what their browsers are told, on answers of every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import Answer, Front

PAGE, STRANGER = "https://app.example", "https://evil.example"


@pytest.fixture(scope="module")
def open_front(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, allowed_origins=["*"], api_key=["k"]) as front:
        yield front


@pytest.fixture(scope="module")
def choosy_front(byte_model: Path) -> Iterator[Front]:
    with Front(
        byte_model,
        allowed_origins=[PAGE],
        allowed_methods=["POST"],
        allowed_headers=["authorization"],
        allow_credentials=True,
    ) as front:
        yield front


def preflight(front: Front, origin: str, **headers: str) -> Answer:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", **headers}
    return front.ask("OPTIONS", "/v1/chat/completions", headers=asked)


def test_a_preflight_needs_no_key_and_allows_what_was_asked_for(open_front: Front) -> None:
    wanted = {"Access-Control-Request-Headers": "authorization, x-stainless-os"}
    answer = preflight(open_front, PAGE, **wanted)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert int(answer.headers["access-control-max-age"]) > 0


def test_rules_are_told_as_they_were_set(choosy_front: Front) -> None:
    answer = preflight(choosy_front, PAGE)
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


def test_a_stranger_is_refused_and_told_nothing(choosy_front: Front) -> None:
    answer = preflight(choosy_front, STRANGER)
    assert answer.status == 403
    assert STRANGER in answer.error["message"]
    choosy_front.says("a")
    for found in (answer, choosy_front.get("/v1/models", Origin=STRANGER)):
        assert "access-control-allow-origin" not in found.headers
        assert found.headers["vary"] == "Origin"


def test_answers_streams_and_errors_of_every_kind_carry_the_headers(open_front: Front) -> None:
    open_front.says("ab")
    key = {"Authorization": "Bearer k", "Origin": PAGE}
    found = {
        200: open_front.ask("POST", "/v1/completions", {"prompt": "a", "stream": True}, key),
        400: open_front.ask("POST", "/v1/completions", b"{", key),
        401: open_front.ask("GET", "/v1/models", headers={"Origin": PAGE}),
        404: open_front.ask("GET", "/nowhere", headers=key),
        405: open_front.ask("PUT", "/v1/models", headers=key),
    }
    for status, answer in found.items():
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == "*", status
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


def test_an_options_that_is_no_preflight_is_a_request_like_any_other(open_front: Front) -> None:
    assert open_front.ask("OPTIONS", "/v1/models").status == 401


def test_without_allowed_origins_nothing_is_said(front: Front) -> None:
    assert preflight(front, PAGE).status == 405
    answer = front.get("/v1/models", Origin=PAGE)
    assert not [name for name in answer.headers if name.startswith("access-control")]
