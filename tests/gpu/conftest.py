"""Where Triton's kernels are tested: compiled on a GPU, or on a CPU by Triton's interpreter, when that is asked for.

    pytest tests/gpu                       on a machine with a GPU
    TRITON_INTERPRET=1 pytest tests/gpu    on any; the whole suite does so by itself where it finds no GPU

The interpreter knows no arithmetic in bfloat16: that is tested on GPUs alone.
"""

import os
import sys
from pathlib import Path

import pytest
import torch

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "src")]

COMPILED = torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1"
DTYPES = ["float32", "float16", "bfloat16"] if COMPILED else ["float32", "float16"]
NO_GPU = "no CUDA device here; TRITON_INTERPRET=1 runs the same tests on the CPU"
ONLY_COMPILED = "only on a CUDA device"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tensors are small, and threads that wait for one another on a busy machine burn more than they compute."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Whichever test ran before."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def device() -> torch.device:
    pytest.importorskip("triton", reason="Triton is not installed (pip install 'penstock[gpu]')")
    if COMPILED:
        return torch.device("cuda")
    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip(NO_GPU)
    return torch.device("cpu")


@pytest.fixture(scope="session")
def cuda(device: torch.device) -> torch.device:
    if device.type != "cuda":
        pytest.skip(ONLY_COMPILED)
    return device


@pytest.fixture(params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    found: torch.dtype = getattr(torch, request.param)
    return found


@pytest.fixture
def lowest() -> torch.dtype:
    """The type whose roundings are the coarsest."""
    found: torch.dtype = getattr(torch, DTYPES[-1])
    return found
