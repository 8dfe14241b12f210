"""Which GPUs a worker would find here. Knows the driver's own tool, no torch.

A worker asks torch, which takes seconds to load; here the tool that comes with the driver is asked, and torch's own
word on what it was built for is read from its file.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from penstock.workers.host_memory import Memory

_ASKED = ("index", "uuid", "name", "memory.total", "memory.free")
_ARGV = ("nvidia-smi", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader,nounits")
_TIMEOUT_S = 20
_MIB = 1 << 20


class Gpu(NamedTuple):
    """As the driver tells of it."""

    number: str
    uuid: str
    name: str
    memory: Memory


def usable_gpus() -> list[Gpu]:
    """In the order in which ranks take them; none where torch could use none."""
    return visible(_told(), os.environ) if torch_knows_gpus() else []


def visible(gpus: list[Gpu], environ: Mapping[str, str]) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names, by number or beginning of a UUID, up to the first that is not there."""
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return gpus
    found: list[Gpu] = []
    for name in (part.strip() for part in wanted.split(",")):
        named = [gpu for gpu in gpus if gpu.number == name or (name and gpu.uuid.startswith(name))]
        if not named:
            break
        found.append(named[0])
    return found


def parse(told: str) -> list[Gpu]:
    """Lines of the tool; what is no GPU with memory of its own is left out."""
    lines = ([field.strip() for field in line.split(",")] for line in told.splitlines())
    return [
        Gpu(number, uuid, name, Memory(int(total) * _MIB, int(free) * _MIB))
        for number, uuid, name, total, free in (line for line in lines if len(line) == len(_ASKED))
        if total.isdecimal() and free.isdecimal()
    ]


def torch_knows_gpus(package: Path | None = None) -> bool:
    """As its version file says; `package` is torch's folder."""
    spec = None if package else find_spec("torch")
    folder = package or (Path(spec.origin).parent if spec and spec.origin else None)
    if folder is None:
        return False
    try:
        text = (folder / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b[^=\n]*=\s*['\"]", text, re.MULTILINE) is not None


def _told() -> list[Gpu]:
    try:
        done = subprocess.run(_ARGV, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return []
    return parse(done.stdout)
