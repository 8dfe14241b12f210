"""Every Triton kernel compiles for real GPUs, within what a program may take there. Nothing is launched."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.variants import often

pytest.importorskip("triton", reason="Triton is not installed (pip install 'penstock[gpu]')")

ROOT = Path(__file__).parents[3]
COMPILE_ALL = ROOT / "tests/support/compile_all.py"
SHARED_BYTES = {"A100": 163 * 1024, "L4": 99 * 1024, "H100": 227 * 1024, "B200": 227 * 1024}


def kernels_of_the_package() -> set[str]:
    """Functions whose name ends so are launched; the others are called by them."""
    return {
        node.name
        for path in (ROOT / "kernels/triton").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_kernel")
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("asked", often(["H100 --few"], SHARED_BYTES))
def test_compiles(asked: str, tmp_path: Path) -> None:
    environ = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    told = subprocess.run(
        [sys.executable, "-P", str(COMPILE_ALL), *asked.split()],
        check=True, stdout=subprocess.PIPE, text=True, env=environ,
    ).stdout  # fmt: skip
    compiled = [json.loads(line) for line in told.splitlines()]
    assert {one["name"] for one in compiled} == kernels_of_the_package()
    for one in compiled:
        assert one["shared_bytes"] <= SHARED_BYTES[asked.split()[0]], one
        assert one["stack_bytes"] <= 256, one  # a few spilled registers
