"""Tests share helpers from tests/support, imported as `support`, and see torch as a worker does.

Where there is no GPU, its kernels run in Triton's interpreter.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

import support.examples  # noqa: F401  it declares the profiles

from penstock.workers.threads import SAME_SUMS

settings.load_profile("ordinary")  # or the one that --hypothesis-profile names

for name, value in SAME_SUMS.items():
    os.environ.setdefault(name, value)

if not any(Path("/dev").glob("nvidia[0-9]*")):
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """With `-n`, a file's tests stay in one process, in order: what its fixtures start is started once."""
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist, config.option.loadscopereorder = "loadfile", False
