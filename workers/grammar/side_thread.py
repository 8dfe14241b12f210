"""A thread that does errands in order while others work. Knows no errand.

What `concurrent.futures` does for a task takes as long as a small step's mask. And who waits does not wait for
a thread that the machine has no processor for: errands that it has not begun are done by whoever waits.
"""

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

EXITS = (SystemExit, KeyboardInterrupt)
"""Meant for the whole process, whatever errand the main thread was at."""


class SideThread:
    """For one caller: it gives errands, and later waits until all are done."""

    def __init__(self, name: str) -> None:
        self._errands: deque[Callable[[], None]] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._working = threading.Lock()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def do(self, errand: Callable[[], None], wake: bool = True) -> None:
        """Without `wake` it may be left to whoever waits: right for what takes less time than waking."""
        self._errands.append(errand)
        if wake:
            if not self._thread.is_alive():
                self._thread.start()
            self._bell.put(None)

    def wait(self) -> None:
        """Raises what an errand raised."""
        self._work()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        while True:
            self._bell.get()
            self._work()

    def _work(self) -> None:
        with self._working:
            while self._errands:
                try:
                    self._errands.popleft()()
                except EXITS:
                    raise
                except BaseException as error:
                    self._error = error
