"""What a process costs: CPU time and memory. Knows Linux's /proc, not what the process does."""

import os
import time
from pathlib import Path

from penstock.protocol.metric_names import Owner
from penstock.protocol.metrics import Registry

_STATM = Path("/proc/self/statm")


class ProcessMeter:
    """Call `measure` now and then. Sums over processes are whole programs' numbers."""

    def __init__(self, registry: Registry, program: Owner) -> None:
        self._cpu = registry.counter("process_cpu_seconds_total", program=program.value)
        self._memory = registry.gauge("process_resident_memory_bytes", program=program.value)
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def measure(self) -> None:
        self._cpu.inc(time.process_time() - self._cpu.value)
        self._memory.set(int(_STATM.read_text().split()[1]) * self._page_bytes)
