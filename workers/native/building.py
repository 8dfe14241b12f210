"""Builds the native kernels beside the rest of a start. Knows when that is worth while, no kernel; needs no torch.

Compilers are processes of their own: where nothing is built yet, they are at work while torch is imported.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from penstock.kernels.cpu.compiler import Tell, build
from penstock.workers.threads import available_cpus

log = logging.getLogger("penstock.worker")

GPU_DRIVERS = (Path("/proc/driver/nvidia"), Path("/dev/dxg"), Path("/dev/kfd"))
CPU_S = 14.0
"""Of all compilers together, roughly; the machine is not known."""
LOOK_EVERY_S = 0.5


def build_here(tell: Tell) -> Path:
    """Raises CompileError."""
    return build(jobs=available_cpus(), tell=tell)


class Building:
    """Begins at once, in a thread of its own."""

    def __init__(self, build: Callable[[Tell], Path] = build_here) -> None:
        self._began = time.monotonic()
        self._share: float | None = None
        pool = ThreadPoolExecutor(1, "kernels")
        self._library = pool.submit(build, self._tell)
        pool.shutdown(wait=False)

    def library(self, progress: Callable[[str, float], None]) -> Path:
        """Where it is; tells how far it has come while it waits. Raises CompileError."""
        while not wait([self._library], LOOK_EVERY_S).done:
            progress("building native kernels", self._share or 0.0)
        return self._library.result()

    def _tell(self, share: float) -> None:
        if self._share is None:
            cpus = available_cpus()
            log.info(
                "no native kernels for this processor yet: building them by %d compilers, "
                "some %.0f s, once", cpus, max(CPU_S / cpus, 3.0),
            )  # fmt: skip
        elif share == 1.0:
            log.info("native kernels built in %.1f s, and kept", time.monotonic() - self._began)
        self._share = share


def begin(choice: str, world_size: int, drivers: tuple[Path, ...] = GPU_DRIVERS) -> Building | None:
    """Before torch can say what devices there are. None where native kernels will hardly be wanted."""
    if choice == "reference" or world_size > 1 or any(path.exists() for path in drivers):
        return None
    return Building()
