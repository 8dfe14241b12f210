"""What an answer's text turns out to be. Knows neither formats nor chunks of a stream."""

from msgspec import Struct


class Content(Struct, frozen=True):
    """Text for the reader."""

    text: str


class Reasoning(Struct, frozen=True):
    """Text that the model wrote for itself before it answered."""

    text: str


class CallStart(Struct, frozen=True):
    """A call's first event, exactly one. Its id is the caller's affair."""

    index: int
    name: str


class CallArguments(Struct, frozen=True):
    """A piece of a call's arguments; joined, the pieces are the text of a JSON object.

    Where a model breaks its own format after the call was announced, or is cut short, they are what it wrote.
    """

    index: int
    text: str


Event = Content | Reasoning | CallStart | CallArguments


class EventList:
    """Gathers events and joins neighbours of one kind."""

    def __init__(self) -> None:
        self._done: list[Event] = []
        self._index: int | None = None
        self._kind: type[Content | Reasoning | CallArguments] = Content
        self._parts: list[str] = []

    def text(self, kind: type[Content | Reasoning], text: str) -> None:
        self._add(kind, None, text)

    def call(self, index: int, name: str) -> None:
        self._finish()
        self._done.append(CallStart(index, name))

    def arguments(self, index: int, text: str) -> None:
        self._add(CallArguments, index, text)

    def take(self) -> list[Event]:
        """The events since the last time."""
        self._finish()
        done, self._done = self._done, []
        return done

    def _add(
        self, kind: type[Content | Reasoning | CallArguments], index: int | None, text: str
    ) -> None:
        if not text:
            return
        if (kind, index) != (self._kind, self._index):
            self._finish()
            self._kind, self._index = kind, index
        self._parts.append(text)

    def _finish(self) -> None:
        if not self._parts:
            return
        text, self._parts = "".join(self._parts), []
        if self._kind is CallArguments:
            assert self._index is not None
            self._done.append(CallArguments(self._index, text))
        elif self._kind is Reasoning:
            self._done.append(Reasoning(text))
        else:
            self._done.append(Content(text))
