"""A thread that does errands in order while others work. Knows no errand.

What `concurrent.futures` does for a task takes as long as a small step's mask.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue


class SideThread:
    """For one caller: it gives errands, and later waits until all are done."""

    def __init__(self, name: str) -> None:
        self._errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._num_open = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def do(self, errand: Callable[[], None]) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        self._num_open += 1
        self._errands.put(errand)

    def wait(self) -> None:
        """Raises what an errand raised."""
        while self._num_open:
            self._num_open -= 1
            error = self._done.get()
            if error is not None:
                raise error

    def _run(self) -> None:
        while True:
            errand = self._errands.get()
            try:
                errand()
                self._done.put(None)
            except BaseException as error:
                self._done.put(error)
