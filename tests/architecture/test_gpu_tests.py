"""The GPU tests run where little is installed: the checkout, pytest, torch, triton and transformers."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ELSEWHERE_MISSING = (
    "aiohttp", "hypothesis", "llguidance", "msgspec", "openai", "prometheus_client",
    "pytest_timeout", "uvloop", "xdist", "zmq",
)  # fmt: skip
COLLECT = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))
import pytest
sys.exit(pytest.main(["tests/gpu", "--collect-only", "-q", "-p", "no:cacheprovider"]))
"""


def test_they_are_collected_without_what_only_servers_need() -> None:
    environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": ""}
    found = subprocess.run(
        [sys.executable, "-P", "-c", COLLECT.format(missing=ELSEWHERE_MISSING)],
        cwd=ROOT, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert "test_attention.py::" in found.stdout
