"""What a front end logs of requests: the line of each, what they say where that is wished, and never a secret."""

import contextlib
import http.client
import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest
from support.fake_engine import FakeEngine
from support.front import Front, wait_until
from support.frontend_program import FrontendProgram

from penstock.protocol import logs

KEY, PROMPT, QUERY = "sk-secret-key", "the prompt nobody may read", "query-secret"


def ask(port: int, name: str, path: str = "/v1/completions", key: str = KEY, **body: Any) -> int:
    headers = {"Authorization": f"Bearer {key}", "X-Request-Id": name}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request(
            "POST", path, json.dumps({"prompt": PROMPT, "max_tokens": 2, **body}), headers
        )
        with client.getresponse() as response:
            response.read()
            return response.status


def logged(byte_model: Path, *flags: str) -> list[str]:
    """Of four requests: one that is served, one with a wrong key, one with a wrong value, one for a probe."""
    with (
        FakeEngine() as engine,
        FrontendProgram(byte_model, engine, "--port", "0", "--api-key", KEY, *flags) as program,
    ):
        port = program.port
        wait_until(lambda: ask(port, "early") == 200)
        assert ask(port, "served", f"/v1/completions?x={QUERY}") == 200
        assert ask(port, "stranger", key="sk-wrong") == 401
        assert ask(port, "wrong", temperature=9) == 400
        assert ask(port, "elsewhere", "/v1/nowhere") == 404
        assert ask(port, "probe", "/ping") == 200
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0
    return program.lines


def test_json_lines_are_objects_with_facts_and_without_secrets(byte_model: Path) -> None:
    lines = logged(byte_model, "--log-format", "json", "--frontend-id", "front-7")
    found = [json.loads(line) for line in lines]
    assert {line["process"] for line in found} == {"front-7"}
    assert all({"time", "level", "pid", "logger", "message"} <= line.keys() for line in found)
    by_name = {line["request_id"]: line for line in found if "request_id" in line}
    served = by_name["served"]
    assert (served["method"], served["path"], served["status"]) == ("POST", "/v1/completions", 200)
    assert served["client"] == "127.0.0.1"
    assert served["duration_ms"] > 0
    assert (by_name["stranger"]["status"], by_name["wrong"]["status"]) == (401, 400)
    assert "probe" not in by_name
    assert not [
        line for line in lines for secret in (KEY, "sk-wrong", PROMPT, QUERY) if secret in line
    ]


def test_requests_are_logged_for_those_who_want_it(byte_model: Path) -> None:
    """And the lines of each request are another thing, with a level of their own."""
    lines = logged(
        byte_model,
        *("--log-format", "json", "--enable-log-requests", "--max-log-len", "10"),
        *("--uvicorn-log-level", "warning"),
    )
    found = [json.loads(line) for line in lines]
    (served,) = [line for line in found if line.get("request_id") == "served"]
    assert served["prompt"] == PROMPT[:10]
    assert served["num_prompt_tokens"] == len(PROMPT)
    assert "max_tokens=2" in served["sampling"]
    assert not [line for line in lines if KEY in line or PROMPT in line]
    assert not [line for line in found if line["logger"] == "penstock.access"]


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ({}, ["/v1/models", "/v1/models/nobody", "/nowhere"]),
        (
            {"disable_access_log_for_endpoints": ["/v1/models", "/x"]},
            ["/v1/models/nobody", "/nowhere"],
        ),
        ({"access_log": False}, []),
    ],
    ids=["all", "some", "none"],
)
def test_which_requests_have_a_line(
    byte_model: Path, settings: dict[str, Any], paths: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "penstock.access"), Front(byte_model, **settings) as front:
        for path in ("/v1/models?key=x", "/v1/models/nobody", "/nowhere", "/health", "/metrics"):
            front.get(path)
        lines = [r for r in caplog.records if r.name == "penstock.access"]
    assert [getattr(line, logs.FIELDS)["path"] for line in lines] == paths


def test_a_line_tells_whose_key_it_was(
    byte_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By name, of those who were refused too; a stranger has none."""
    file = tmp_path / "keys.toml"
    file.write_text('[[keys]]\nname = "search"\nkey = "sk-search"\n')
    with (
        caplog.at_level(logging.INFO, "penstock.access"),
        Front(byte_model, api_key_file=str(file)) as front,
    ):
        for key, path in (
            ("sk-search", "/v1/models"),
            ("sk-search", "/nowhere"),
            ("sk-no", "/nowhere"),
        ):
            front.ask("GET", path, headers={"x-api-key": key})
        lines = [r for r in caplog.records if r.name == "penstock.access"]
    assert [getattr(line, logs.FIELDS)["holder"] for line in lines] == ["search", "search", None]
    assert [line.getMessage().split()[-1] == "search" for line in lines] == [True, True, False]
