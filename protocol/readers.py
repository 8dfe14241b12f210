"""Ends a program without a word when whoever reads its output has left, as `head` does. Knows no program."""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator

OUTPUT = 1
"""The descriptor that is printed to."""
STATUS = 128 + signal.SIGPIPE
"""What a shell says of a program that the signal has ended."""


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """All of it is written when this ends: at the interpreter's own end it would be too late to be quiet."""
    try:
        try:
            yield
        finally:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()
    except BrokenPipeError:
        if not _has_no_reader(OUTPUT):  # it was another pipe that broke
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), OUTPUT)
        raise SystemExit(STATUS) from None


def _has_no_reader(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0))
