"""Ties a worker's life to the process that started it. Knows signals, not what the worker does."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def follow_parent() -> None:
    """Die when the parent does; leave SIGINT, which a terminal sends to all, to the engine core."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was told
        sys.exit("the engine core is gone")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
