"""One worker as a child process that dies with this one. Knows processes, not messages."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence

_SET_PARENT_DEATH_SIGNAL = 1


class WorkerProcess:
    """Started on construction; `pidfd` becomes readable when it ends."""

    def __init__(self, argv: Sequence[str], line: socket.socket) -> None:
        """`line` is its end of the link, which it inherits under the same number."""
        # Its own session: Ctrl-C reaches the engine alone, which then stops its workers in order.
        self._child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[line.fileno()],
            preexec_fn=_die_with_parent(),  # noqa: PLW1509  bound before the fork, it only calls libc
        )
        self.pid = self._child.pid
        self.pidfd = os.pidfd_open(self.pid)

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    def describe_end(self) -> str:
        """How it ended, in words, with a hint where there is one."""
        status = self._child.poll()
        assert status is not None
        if status == -signal.SIGKILL:
            return (
                "killed by SIGKILL; if it was the kernel's OOM killer (see dmesg), lower "
                "--kv-cache-memory-bytes"
            )
        return (
            f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        )

    def wait(self, timeout_s: float) -> None:
        """Until it has ended by itself, or `timeout_s` is over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout_s)

    def kill(self) -> None:
        """It is gone, and reaped, on return."""
        self._child.kill()
        self._child.wait()
        os.close(self.pidfd)


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
