"""A proxy's prefix: with it and without it, one path."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.front import Front

from penstock.frontend.http.root_path import unprefixed


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/x/v1/models", "/v1/models"),
        ("/x/v1/models?a=/x/", "/v1/models?a=/x/"),
        ("/x", "/x"),
        ("/x?a=1", "/x?a=1"),
        ("/x/", "/"),
        ("/x//v1", "//v1"),
        ("/xy/v1", "/xy/v1"),
        ("/v1/x/models", "/v1/x/models"),
        ("/", "/"),
        ("http://x/x/v1", "http://x/x/v1"),
    ],
)
def test_a_prefix_is_taken_from_the_beginning_alone(path: str, rest: str) -> None:
    assert unprefixed(path, "/x") == rest
    assert unprefixed(path, "") == path


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_what_is_left_is_a_path(rest: str) -> None:
    assert unprefixed(f"/deep/er/{rest}", "/deep/er") == f"/{rest}"
    assert unprefixed(f"/{rest}", "/deep/er").startswith("/")


@pytest.fixture(scope="module")
def behind_proxy(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, root_path="/llm", api_key=["k"]) as front:
        yield front


def test_every_path_is_served_with_and_without_it(behind_proxy: Front) -> None:
    key = {"Authorization": "Bearer k"}
    for prefix in ("", "/llm"):
        assert behind_proxy.ask("GET", f"{prefix}/v1/models/alias?x=1", headers=key).status == 200
        assert behind_proxy.get(f"{prefix}/ping").status == 200
        assert behind_proxy.get(f"{prefix}/health").status == 200
        assert behind_proxy.get(f"{prefix}/v1/models").status == 401
    assert behind_proxy.get("/llm/llm/ping").status == 401
    assert behind_proxy.get("/llmx/ping").status == 401


def test_the_prefix_alone_leads_to_the_page(behind_proxy: Front) -> None:
    found = behind_proxy.get("/llm")
    assert (found.status, found.headers["location"]) == (308, "llm/")
    assert b"playground/main.js" in behind_proxy.get("/llm/").data
    assert behind_proxy.get("/llm/playground/main.js").status == 200


def test_metrics_know_one_path(behind_proxy: Front) -> None:
    behind_proxy.ask("GET", "/llm/v1/models", headers={"Authorization": "Bearer k"})
    page = behind_proxy.get("/metrics").data.decode()
    assert 'handler="/v1/models"' in page
    assert "/llm/" not in page
