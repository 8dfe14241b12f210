"""The pages: complete without a network, and shut to everything else."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from support.front import Front

from penstock.frontend.pages.documentation import FOLDER

PAGES = ["/docs", "/redoc", "/docs/oauth2-redirect"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_made_of_what_the_server_has(front: Front, path: str) -> None:
    page = front.get(path).data.decode()
    found = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(name.endswith(".js") for name in found)
    for name in found:
        if not name.startswith("data:"):
            assert "//" not in name
            folder = path.rpartition("/")[0]
            assert front.get(f"{folder}/{name}").status == 200, name


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_run_and_reach_nothing_else(front: Front, path: str) -> None:
    policy = front.get(path).headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy


def test_redocs_styles_are_marked_anew_each_time(front: Front) -> None:
    first, second = (front.get("/redoc") for _ in range(2))
    nonces = [
        re.findall(r'data-nonce="([^"]+)"', page.data.decode())[0] for page in (first, second)
    ]
    assert nonces[0] != nonces[1]
    assert f"'nonce-{nonces[0]}'" in first.headers["content-security-policy"]


def test_an_asset_comes_packed_or_not_and_once(front: Front) -> None:
    path = "/docs/assets/swagger-ui.css"
    packed = front.get(path, Accept_Encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    plain = front.get(path, Accept_Encoding="identity")
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["etag"] != plain.headers["etag"]
    again = front.get(path, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert (again.status, again.data) == (304, b"")
    assert front.get(path, If_None_Match=f"W/{plain.headers['etag']}").status == 304
    assert {a.headers["cache-control"] for a in (packed, plain, again)} == {"no-cache"}
    assert {a.headers["vary"] for a in (packed, plain, again)} == {"Accept-Encoding"}


@pytest.mark.parametrize("name", ["nope.js", "vendored.json", "..%2Fpages.py", "%2e%2e"])
def test_nothing_else_is_given_out(front: Front, name: str) -> None:
    assert front.get(f"/docs/assets/{name}").status == 404


def test_what_was_taken_from_npm_is_as_it_was() -> None:
    known = json.loads((FOLDER / "vendored.json").read_text())
    assert known.keys() == {"swagger-ui-dist", "redoc"}
    files = [file for package in known.values() for file in package["sha256"].items()]
    for name, sha256 in files:
        data = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
        assert hashlib.sha256(data).hexdigest() == sha256, name
    assert {f"{name}.gz" for name, _ in files} == {path.name for path in FOLDER.glob("*.gz")}
    licenses = (FOLDER / "licenses.txt").read_text()
    for name, package in known.items():
        assert f"{name} {package['version']}: LICENSE" in licenses


def test_they_can_be_left_out(model: Path) -> None:
    with Front(model, api_docs=False) as front:
        for path in (*PAGES, "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert front.get(path).status == 404
        assert front.get("/v1/models").status == 200


class TestBrowsers:
    """A browser asks its user for a password: an API key."""

    def test_who_wants_a_page_is_asked_for_a_key(self, model: Path) -> None:
        with Front(model, api_key=["sk-one"]) as front:
            asked = front.get("/docs", Accept="text/html,*/*")
            assert (asked.status, asked.headers["www-authenticate"][:6]) == (401, "Basic ")
            assert front.get("/docs").headers["www-authenticate"] == "Bearer"
            assert front.get("/docs", Authorization=basic("sk-one")).status == 200
            assert front.get("/openapi.json", Authorization=basic("sk-one")).status == 200
            for wrong in (basic("sk-two"), "Basic sk-one", "Basic /w=="):
                assert front.get("/docs", Authorization=wrong).status == 401

    def test_what_a_browser_sends_by_itself_generates_nothing(self, model: Path) -> None:
        with Front(model, api_key=["sk-one"]) as front:
            answer = front.post("/tokenize", {"text": "a"}, Authorization=basic("sk-one"))
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"any:{key}".encode()).decode()
