"""All native kernels' tests once more, with a library that checks every address and every undefined behaviour."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.kernels.cpu.compiler import CompileError, find_compiler

HERE = Path(__file__).parent
FLAGS = (
    "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1 -O1"
)
PATIENCE_S = 2400
ORDINARY = "not slow and not long"
WITHOUT_KERNELS = {Path(__file__), HERE / "test_cpu_compiler.py"}
OTHERS = sorted(map(str, set(HERE.glob("test_cpu_*.py")) - WITHOUT_KERNELS))


def runtime(name: str) -> str:
    """Python itself is not built with it, so it has to come first."""
    try:
        command = [find_compiler(), f"-print-file-name={name}"]
    except CompileError as error:
        pytest.skip(str(error))
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip(f"the compiler has no {name}")
    return path


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S)
def test_no_sanitizer_complains():
    """In one process: to import torch under a sanitizer takes longer than most of the tests."""
    # torch's allocator keeps what it frees, and Python leaves at exit what it had: neither is ours.
    environ = os.environ | {
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "CPU_KERNEL_FLAGS": FLAGS,
    }
    pytest_once_more = [sys.executable, "-P", "-m", "pytest", "-q", "-x", "-n0", "-m", ORDINARY]
    done = subprocess.run(
        [*pytest_once_more, *OTHERS], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
