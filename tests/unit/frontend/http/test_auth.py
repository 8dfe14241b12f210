"""Keys: what is guarded, and how a key may be shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import Front

from penstock.frontend.auth import Keyring


@pytest.fixture(scope="module")
def guarded(byte_model: Path) -> Iterator[Front]:
    with Front(
        byte_model, api_key=["sk-one", "schlüssel", "sk-three"], max_body_bytes=1000
    ) as front:
        front.says("a")
        yield front


@pytest.mark.parametrize(
    "path", ["/v1/models", "/tokenize", "/load", "/nowhere", "/v1/embeddings", "/invocations"]
)
def test_without_a_key_nothing_is_told(guarded: Front, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer sk-two"}, {"Authorization": "Basic sk-one"}):
        answer = guarded.ask("GET", path, headers=headers)
        assert answer.status == 401
        assert answer.error == {
            "message": "Unauthorized",
            "type": "AuthenticationError",
            "param": None,
            "code": 401,
        }


@pytest.mark.parametrize("path", ["/health", "/ready", "/readyz", "/ping", "/version", "/metrics"])
def test_probes_need_no_key(guarded: Front, path: str) -> None:
    assert guarded.get(path).status == 200


def test_a_key_comes_as_bearer_or_by_itself(guarded: Front) -> None:
    assert guarded.get("/v1/models", Authorization="Bearer sk-one").status == 200
    assert guarded.get("/v1/models", Authorization="bearer  sk-one ").status == 200
    assert guarded.get("/v1/models", x_api_key="sk-one").status == 200


def test_the_engine_hears_of_the_tenant_but_not_of_the_key(guarded: Front) -> None:
    body = {"prompt": "a", "user": "someone"}
    guarded.post("/v1/completions", body, x_api_key="sk-one")
    tenant = guarded.last.tenant
    assert tenant == Keyring(["sk-one"]).tenant("sk-one")
    assert tenant not in ("someone", "")
    assert "sk-one" not in tenant


def test_large_bodies_are_refused(guarded: Front) -> None:
    answer = guarded.post("/v1/completions", {"prompt": "x" * 2000}, x_api_key="sk-one")
    assert (answer.status, answer.error["code"]) == (413, 413)


def test_a_kept_response_is_for_its_key_alone(guarded: Front) -> None:
    mine = "Bearer sk-one"
    response_id = guarded.post("/v1/responses", {"input": "Hi"}, Authorization=mine).json["id"]
    path = f"/v1/responses/{response_id}"
    assert guarded.get(path).status == 401
    assert guarded.get(path, Authorization=mine).status == 200
    assert guarded.get(path, X_Api_Key="sk-three").status == 404
    body = {"input": "Hi", "previous_response_id": response_id}
    assert guarded.post("/v1/responses", body, Authorization=mine).status == 200
    assert guarded.post("/v1/responses", body, X_Api_Key="sk-three").status == 404
