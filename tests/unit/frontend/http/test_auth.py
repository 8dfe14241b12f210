"""Keys: what is guarded, what a request lacks, and how a key may be shown."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from support.front import Front, wait_until

from penstock.frontend.app import build_app
from penstock.frontend.auth import Keyring, Keys
from penstock.frontend.openapi.declared import Endpoint
from penstock.frontend.routes import endpoints
from penstock.protocol.errors import SettingsError
from penstock.protocol.keys import Scope
from penstock.protocol.settings import FrontendSettings

HOLDERS = """
[[keys]]
name = "asker"
key = "sk-asker"

[[keys]]
name = "watcher"
sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
scopes = ["metrics"]
"""


@pytest.fixture(scope="module")
def guarded(byte_model: Path) -> Iterator[Front]:
    with Front(
        byte_model, api_key=["sk-one", "schlüssel", "sk-three"], max_body_bytes=1000
    ) as front:
        front.says("a")
        yield front


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(HOLDERS)
    return path


@pytest.fixture
def scoped(byte_model: Path, key_file: Path) -> Iterator[Front]:
    with Front(byte_model, api_key_file=str(key_file), guard_metrics=True) as front:
        front.says("a")
        yield front


@pytest.mark.parametrize(
    "path", ["/v1/models", "/tokenize", "/load", "/nowhere", "/v1/embeddings", "/invocations"]
)
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "carries no API key"),
        ({"Authorization": "Basic sk-one"}, "carries no API key"),
        ({"Authorization": "Bearer sk-two"}, "is not known here"),
        ({"X-Api-Key": "sk-on"}, "is not known here"),
    ],
)
def test_without_a_key_nothing_is_told(
    guarded: Front, path: str, headers: dict[str, str], told: str
) -> None:
    answer = guarded.ask("GET", path, headers=headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    error = answer.error
    assert told in error.pop("message")
    assert error == {"type": "AuthenticationError", "param": None, "code": 401}


@pytest.mark.parametrize("path", ["/health", "/ready", "/readyz", "/ping", "/version", "/metrics"])
def test_probes_need_no_key(guarded: Front, path: str) -> None:
    assert guarded.get(path).status == 200


@pytest.mark.parametrize(
    "path", ["/healthy", "/health/../v1/models", "/ready%2f..%2fv1/models", "/health/"]
)
def test_what_only_looks_like_a_probe_needs_one(guarded: Front, path: str) -> None:
    assert guarded.get(path).status == 401


def test_a_key_comes_as_bearer_or_by_itself(guarded: Front) -> None:
    assert guarded.get("/v1/models", Authorization="Bearer sk-one").status == 200
    assert guarded.get("/v1/models", Authorization="bearer  sk-one ").status == 200
    assert guarded.get("/v1/models", x_api_key="sk-one").status == 200


def test_the_engine_hears_of_the_tenant_but_not_of_the_key(guarded: Front) -> None:
    body = {"prompt": "a", "user": "someone"}
    guarded.post("/v1/completions", body, x_api_key="sk-one")
    tenant = guarded.last.tenant
    identity = Keyring(["sk-one"]).identify("sk-one")
    assert identity is not None
    assert tenant == identity.tenant
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


# ---- a file of keys


def test_a_key_opens_what_its_scopes_say(scoped: Front) -> None:
    asker, watcher = {"x_api_key": "sk-asker"}, {"Authorization": "Bearer secret"}
    assert scoped.post("/v1/completions", {"prompt": "a"}, **asker).status == 200
    assert scoped.last.tenant == "asker"
    assert scoped.get("/v1/models", **asker).status == 200
    assert scoped.get("/metrics").status == 401
    assert scoped.get("/metrics", **watcher).status == 200
    assert scoped.get("/load", **watcher).status == 200
    assert scoped.get("/nowhere", **watcher).status == 404
    answer = scoped.get("/metrics", **asker)
    assert (answer.status, answer.error["type"]) == (403, "PermissionDeniedError")
    assert "'asker' lacks the scope 'metrics', which GET /metrics needs" in answer.error["message"]
    answer = scoped.post("/v1/chat/completions", {}, **watcher)
    assert answer.status == 403
    assert "'watcher' lacks the scope 'inference'" in answer.error["message"]


def test_keys_change_while_it_serves(scoped: Front, key_file: Path) -> None:
    def status(key: str) -> int:
        return scoped.get("/v1/models", x_api_key=key).status

    assert (status("sk-asker"), status("sk-new")) == (200, 401)
    key_file.write_text(HOLDERS.replace('"sk-asker"', '["sk-asker", "sk-new"]'))
    wait_until(lambda: status("sk-new") == 200)
    assert status("sk-asker") == 200
    key_file.write_text("nonsense")
    time.sleep(1.2)
    assert status("sk-new") == 200
    key_file.write_text("")
    wait_until(lambda: status("sk-new") == 401)
    assert status("") == 401, "a file without a key lets nobody in"


def test_a_hangup_reads_a_file_whatever_its_date(key_file: Path) -> None:
    keys = Keys(FrontendSettings(api_key_file=str(key_file)))
    before = keys.ring
    keys.reread()
    assert keys.ring is before
    key_file.write_text(HOLDERS + '[[keys]]\nname = "x"\nkey = "x"')
    keys.reread()
    assert len(keys.ring) == len(before) + 1


def test_an_empty_key_is_no_key() -> None:
    """A variable that is not set, on a command line, must not open the server to all."""
    with pytest.raises(SettingsError, match="the key is empty"):
        Keys(FrontendSettings(api_key=[""]))


def test_bare_keys_and_a_file_do_together(key_file: Path) -> None:
    keys = Keys(FrontendSettings(api_key=["bare"], api_key_file=str(key_file)))
    for key, tenant in (("bare", None), ("sk-asker", "asker"), ("secret", "watcher")):
        identity = keys.ring.identify(key)
        assert identity is not None
        assert tenant in (None, identity.tenant)
    assert keys.ring.identify("sk-aske") is None
    assert keys.ring.identify("") is None


# ---- every endpoint there is

ONE_OF_EACH = "\n".join(
    f'[[keys]]\nname = "{scope}"\nkey = "sk-{scope}"\nscopes = ["{scope}"]' for scope in Scope
)
OPEN = {
    "/",
    "/playground/{name}",
    "/health",
    "/health/liveness",
    "/health/readiness",
    "/ready",
    "/readyz",
    "/ping",
    "/version",
}
"""What needs no key: a new one is a decision, not an oversight."""


@pytest.fixture(scope="module")
def by_scope(byte_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    path.write_text(ONE_OF_EACH)
    with Front(byte_model, api_key_file=str(path), guard_metrics=True, root_path="/x") as front:
        yield front


def reach(front: Front, endpoint: Endpoint, **headers: str) -> int:
    method = "GET" if endpoint.method == "*" else endpoint.method
    path = re.sub(r"\{\w+\}", "nothing", endpoint.shown_path)
    return front.ask(method, path, headers=headers).status


def test_every_endpoint_opens_to_its_scope_alone(by_scope: Front) -> None:
    for endpoint in endpoints(by_scope.settings):
        assert (reach(by_scope, endpoint) == 401) is (endpoint.scope is not None), endpoint.path
        for scope in Scope:
            is_refused = reach(by_scope, endpoint, Authorization=f"Bearer sk-{scope}") == 403
            assert is_refused is (endpoint.scope not in (None, scope)), (endpoint.path, scope)


def test_all_that_is_routed_is_declared(by_scope: Front) -> None:
    app: web.Application = by_scope.call(_built(by_scope))
    routed = {(r.method, r.resource.canonical) for r in app.router.routes() if r.resource}
    declared = endpoints(by_scope.settings)
    gets = {("HEAD", each.shown_path) for each in declared if each.method == "GET"}
    assert routed == gets | {(each.method, each.shown_path) for each in declared}


def test_what_needs_no_key_is_known() -> None:
    for also, settings in (
        (set(), FrontendSettings(guard_metrics=True)),
        ({"/metrics"}, FrontendSettings()),
        ({"/metrics", "/prefix"}, FrontendSettings(root_path="/prefix")),
    ):
        found = {each.path for each in endpoints(settings) if each.scope is None}
        assert found == OPEN | also


def test_probes_alone_leave_no_trace(guarded: Front) -> None:
    probes = {each.path for each in endpoints(guarded.settings) if each.is_probe}
    pages = {"/", "/playground/{name}"}
    assert probes == OPEN - pages | {"/metrics", "/load", "/v1/stats"}
    page = guarded.get("/metrics").data.decode()
    assert not [path for path in probes if f'handler="{path}"' in page]


async def _built(front: Front) -> web.Application:
    return build_app(front.services)
