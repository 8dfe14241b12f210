"""How long the template that runs in a thread may still compute. Knows no template.

The wall's clock is read at every turn, for that is cheap; what counts is the thread's own, so that nothing
fails because others had the processor.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jinja2.runtime import Context

from penstock.frontend.text.errors import TemplateTimeoutError


class _Limit(threading.local):
    begun_s = 0.0
    limit_s = math.inf


class Clock:
    """One template's, in as many threads as render it."""

    def __init__(self) -> None:
        self._limit = _Limit()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Contexts that are made meanwhile end with TemplateTimeoutError after so much computing."""
        self._limit.begun_s, self._limit.limit_s = time.thread_time(), seconds
        try:
            yield
        finally:
            self._limit.limit_s = math.inf

    def end_s(self) -> float:
        """When to look again, on time.monotonic's clock. Raises TemplateTimeoutError when it is over."""
        limit = self._limit
        left_s = limit.limit_s - (time.thread_time() - limit.begun_s)
        if left_s <= 0:
            raise TemplateTimeoutError(f"it computes for longer than {limit.limit_s:g} s")
        return time.monotonic() + left_s


class TimedContext(Context):
    """A context that knows until when its template may run; the compiled template asks it (`template_code`)."""

    def __init__(self, environment: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(environment, *args, **kwargs)
        self.end_s: float = environment.clock.end_s()

    def check(self) -> None:
        self.end_s = self.environment.clock.end_s()  # type: ignore[attr-defined]
