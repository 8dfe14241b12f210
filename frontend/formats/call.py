"""One call as it is being read: when it is announced, and what may still go wrong. Knows no format's syntax."""

import re
from collections.abc import Callable, Mapping

from penstock.frontend.formats.events import EventList
from penstock.frontend.formats.tape import MalformedError
from penstock.frontend.formats.tools import ToolSpec

MAX_NAME_CHARS = 256
_NAME = re.compile(r"[^\s<>{}()\[\]\"'`,;]+")


class Call:
    """Is announced with the first piece of its arguments, and only under a complete name.

    Until then nothing was said: if it turns out to be malformed, its text can still be content.
    """

    def __init__(
        self,
        events: EventList,
        index: int,
        tools: Mapping[str, ToolSpec],
        only_known: bool,
        announced: Callable[[], None],
    ) -> None:
        self._events = events
        self._index = index
        self._tools = tools
        self._only_known = only_known
        self._announced = announced
        self._name: str | None = None
        self._held: list[str] = []
        self._wrote = False
        self.started = False
        self.complete = False
        """Its arguments are: what follows cannot harm it."""

    @property
    def tool(self) -> ToolSpec | None:
        """What is known of the function that is called."""
        return self._tools.get(self._name or "")

    def named(self, name: str) -> None:
        """Raises MalformedError where no function can have the name."""
        if self._name is not None:
            raise MalformedError
        if name not in self._tools and (
            self._only_known or len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name)
        ):
            raise MalformedError
        self._name = name
        if self._wrote:
            self._start()

    def write(self, text: str) -> None:
        """A piece of the arguments."""
        self._wrote = True
        if self.started:
            self._events.arguments(self._index, text)
            return
        self._held.append(text)
        if self._name is not None:
            self._start()

    def arguments_done(self) -> None:
        self.complete = True

    def finish(self) -> None:
        """The call is over; one that said nothing of arguments has none."""
        if self._name is None:
            raise MalformedError
        if not self._wrote:
            self.write("{}")
        self.complete = True

    def _start(self) -> None:
        assert self._name is not None
        self.started = True
        self._announced()
        self._events.call(self._index, self._name)
        self._events.arguments(self._index, "".join(self._held))
        self._held.clear()
