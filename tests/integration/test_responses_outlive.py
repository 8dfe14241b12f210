"""A response in the background outlives kill -9 of all front ends, and of the engine."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.deployment import Deployment

BODY: dict[str, Any] = {
    "input": "Tell me a long story.",
    "seed": 7,
    "temperature": 1.0,
    "ignore_eos": True,
    "max_output_tokens": 1200,
}
PATH = "/v1/responses"


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


def kill(server: Deployment, program: str) -> None:
    for pid in server.pids(program):
        os.kill(pid, signal.SIGKILL)


def is_asked(server: Deployment, path: str) -> dict[str, Any] | None:
    """None while no front end answers."""
    try:
        status, response = server.get(path)
    except OSError:
        return None
    return dict(response) if status == 200 else None


@pytest.mark.parametrize(
    ("program", "witness"),
    [("penstock.frontend", "goes on here"), ("penstock.engine_core", "1 streams wait")],
)
def test_the_text_is_the_same_though_all_of_them_die(
    tmp_path: Path, program: str, witness: str
) -> None:
    store = ("--responses-store", str(tmp_path / "responses.sqlite"))
    with Deployment(*store) as server:
        whole = server.post(PATH, BODY)[1]
        response_id = server.post(PATH, BODY | {"background": True})[1]["id"]
        path = f"{PATH}/{response_id}"
        server.wait_until(lambda: server.get(path)[1]["status"] == "in_progress", 30)
        kill(server, program)
        found: dict[str, Any] = {}

        def is_over() -> bool:
            found.update(is_asked(server, path) or {})
            return found.get("status") not in (None, "queued", "in_progress")

        server.wait_until(is_over, 90)
        assert (found["status"], text_of(found)) == ("incomplete", text_of(whole))
        assert len(text_of(whole)) > 1000
        assert witness in server.log(), "it was over before anybody died"
