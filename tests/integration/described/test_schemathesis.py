"""schemathesis over /openapi.json: no 5xx, no hang, and every answer as described."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.deployment import Deployment

HERE = Path(__file__).parent
PROGRAM = HERE / ".venv" / "bin" / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
PATIENCE_S = 30

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not PROGRAM.exists(), reason="run tests/integration/described/install first"
    ),
]


@pytest.fixture(scope="module")
def brief() -> Iterator[Deployment]:
    with Deployment("--max-model-len", "512") as deployment:
        yield deployment


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_described_is_so(brief: Deployment, seed: int, tmp_path: Path) -> None:
    command = (
        *(str(PROGRAM), "run", f"{brief.url}/openapi.json", "--url", brief.url, "--no-color"),
        *("--checks", ",".join(CHECKS), "--request-timeout", str(PATIENCE_S)),
        *("--max-examples", "25", "--seed", str(seed), "--suppress-health-check", "all"),
    )
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed unexpectedly" not in brief.log()
