"""Writes content and reasoning down, without the whitespace that belongs to the markers around them."""

from penstock.frontend.formats.events import Content, EventList, Reasoning

MAX_SPACE = 256
"""More whitespace than this in a row is text."""
_SPACE = " \t\r\n"


class Prose:
    """Holds whitespace back until it is known what follows it.

    Before a marker all whitespace is dropped; behind one too, but for the indentation of a line that
    begins there. Reasoning loses all whitespace around it.
    """

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._held = ""
        self._after_marker = False
        self.kind: type[Content | Reasoning] = Content
        self.blank = True
        """Nothing but whitespace so far, or since the last marker."""

    def write(self, text: str) -> None:
        text = self._held + text
        shown = text.rstrip(_SPACE)
        num_shown = max(len(shown), len(text) - MAX_SPACE)
        if shown:
            self._show(self._led(text[:num_shown]))
        elif num_shown and not self._after_marker:
            self._events.text(self.kind, text[:num_shown])
        self._held = text[num_shown:]

    def turn(self, kind: type[Content | Reasoning]) -> None:
        """A marker was met, behind which this comes."""
        self._held = ""
        self.kind = kind
        self.blank = self._after_marker = True

    def finish(self) -> None:
        """The text is over: what is held is part of it, unless it lies between markers and the end."""
        if self.kind is Content and not self._after_marker:
            self._events.text(Content, self._held)
        self._held = ""

    def _show(self, text: str) -> None:
        self._events.text(self.kind, text)
        self.blank = self._after_marker = False

    def _led(self, text: str) -> str:
        """Without the space that leads from a marker to the text."""
        if not self._after_marker:
            return text
        bare = text.lstrip(_SPACE)
        if self.kind is Reasoning:
            return bare
        lead = text[: len(text) - len(bare)][-MAX_SPACE:]
        return lead[lead.rfind("\n") + 1 :] + bare if "\n" in lead else bare
