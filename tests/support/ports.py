"""Ports for what a test starts by itself. Knows which ones nobody else is given, not what listens there."""

import os
import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below those that the kernel gives to connections and to whoever asks for any, above those that Ray's workers take."""
EACH = 40
"""For one process that runs tests: those beside it have others."""


def free_port() -> int:
    """That nobody holds now, and that no test beside this one picks before it is bound."""
    begin = FIRST + os.getpid() % ((LAST - FIRST) // EACH) * EACH
    ports = random.SystemRandom().sample(range(begin, begin + EACH), EACH)
    return next(port for port in ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
