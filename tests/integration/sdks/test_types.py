"""The API's description as TypeScript: openapi-typescript compiles it, and tsc takes what programs write against it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.deployment import Deployment
from support.sdk_clients import NODE_MODULES

TYPES = NODE_MODULES / ".bin" / "openapi-typescript"
PROGRAM = NODE_MODULES.parent / "described.ts"
STRICT = ("--strict", "--noEmit", "--lib", "es2022")


@pytest.mark.skipif(not TYPES.exists(), reason="run tests/integration/sdks/install first")
def test_programs_in_typescript_have_types(brook: Deployment, tmp_path: Path) -> None:
    types = tmp_path / "penstock.d.ts"
    run(str(TYPES), f"{brook.url}/openapi.json", "--output", str(types))
    assert "Record<string, never>" not in types.read_text().partition("export type webhooks")[0]
    program = shutil.copy(PROGRAM, tmp_path)
    run(str(NODE_MODULES / ".bin" / "tsc"), *STRICT, program, str(types))


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
