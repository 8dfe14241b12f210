"""What the figures were taken on: the device, the programs, the commit. Knows no figures.

Raises BenchError where there is nothing to measure on, saying what to do.
"""

import platform
import subprocess
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from penstock import __version__
from penstock.bench.errors import BenchError

_FIRST_WITH_BF16 = (8, 0)
_ELSE = "or see that the kernels run, without figures, with --interpret"


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    capability: str | None
    memory_bytes: int | None
    dtype: str
    interpreted: bool
    torch: str
    triton: str
    cuda: str | None
    commit: str | None

    def as_json(self) -> dict[str, Any]:
        own = {"version": __version__, "python": platform.python_version()}
        return {"date": time.strftime("%Y%m%d-%H%M%S"), **own, **asdict(self)}


def find_device(*, interpreted: bool) -> torch.device:
    if find_spec("triton") is None:
        raise BenchError("Triton is not installed; pip install 'penstock[gpu]'")
    if interpreted:
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise BenchError(
            f"torch {torch.__version__} was built without CUDA; install a CUDA build of torch "
            f"on a machine with an NVIDIA GPU, {_ELSE}"
        )
    if not torch.cuda.is_available():
        raise BenchError(f"no CUDA device here; run this on a machine with an NVIDIA GPU, {_ELSE}")
    return torch.device("cuda", torch.cuda.current_device())


def model_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it; the interpreter does not."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= _FIRST_WITH_BF16:
        return torch.bfloat16
    return torch.float16


def describe(device: torch.device, dtype: torch.dtype) -> Place:
    import triton

    on_gpu = device.type == "cuda"
    found = torch.cuda.get_device_properties(device) if on_gpu else None
    return Place(
        name=found.name if found else platform.machine(),
        capability=f"{found.major}.{found.minor}" if found else None,
        memory_bytes=found.total_memory if found else None,
        dtype=str(dtype).removeprefix("torch."),
        interpreted=not on_gpu,
        torch=torch.__version__,
        triton=triton.__version__,
        cuda=torch.version.cuda,
        commit=_commit(),
    )


def _commit() -> str | None:
    """Of the checkout this runs from, if it is one."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
