"""The stages hold what their clients rely on: other hosts are out of reach, and one scene's failure is its own."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from support.sdk_clients import SDKS

PYTHON = """
import socket, sys
sys.argv = ["client", "http://127.0.0.1:1/v1"]
import stage

def out(url):
    socket.create_connection(("192.0.2.1", 80))

def by_name(url):
    socket.getaddrinfo("telemetry.example", 443)

def here(url):
    print("not a line")
    return {"url": url}

stage.play(str, out, by_name, here)
"""
NODE = """
process.argv[2] = "http://127.0.0.1:1/v1";
const { play } = await import("./stage.mjs");
await play(String, {
  out: () => fetch("http://192.0.2.1/"),
  by_name: () => fetch("https://telemetry.example/"),
  here: (url) => { console.log("not a line"); return { url }; },
});
"""


def _lines(argv: list[str], folder: str) -> dict[str, Any]:
    env = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(argv, cwd=SDKS / folder, env=env, capture_output=True, check=True)
    return {line["scene"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("language", ["python", "node"])
def test_a_stage_keeps_its_clients_here(language: str) -> None:
    if language == "node" and shutil.which("node") is None:
        pytest.skip("node is not installed")
    programs = {
        "python": [sys.executable, "-P", "-c", PYTHON],
        "node": ["node", "--input-type=module", "--eval", NODE],
    }
    lines = _lines(programs[language], language)
    assert "out of bounds" in lines["out"]["error"]
    assert "error" in lines["by_name"]
    assert lines["here"]["seen"] == {"url": "http://127.0.0.1:1/v1"}
    assert lines["network"]["seen"] == {"elsewhere": ["192.0.2.1", "telemetry.example"]}
