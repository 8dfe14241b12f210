"""How long a prompt waits beside running streams, so that more of them start together. Knows no blocks and no order.

Each step that holds a prompt makes every running stream wait. With a factor of 0.5, the first prompt in the queue
waits half as long as the last such step took: the prompts that arrive meanwhile start with it, in one step in
place of several. Where nothing runs, nobody is spared by waiting, and it starts at once.
"""

from penstock.engine_core.queues import WaitingQueue


class AdmissionDelay:
    """`observe` every finished step; `is_over` is for the next plan."""

    def __init__(self, factor: float) -> None:
        """0 never delays."""
        self._factor = factor
        self._prompt_s = 0.0

    def observe(self, num_chunked: int, busy_s: float) -> None:
        """A step of `busy_s` seconds with `num_chunked` tokens of prompts."""
        if num_chunked:
            self._prompt_s = busy_s

    def is_over(self, waiting: WaitingQueue, now: float) -> bool:
        """Whether sequences may start beside running ones."""
        if not self._factor:
            return True
        first = waiting.peek()
        return first is None or now - first.arrived_at >= self._factor * self._prompt_s
