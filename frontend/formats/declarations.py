"""What is to be said of a format: data. Knows nothing of how it is read."""

from dataclasses import dataclass
from typing import Literal

from penstock.frontend.formats.shape import Shape

Signs = tuple[tuple[str, ...], ...]
"""Texts in a chat template that show a format: all of one of these groups."""


@dataclass(frozen=True, kw_only=True)
class ToolFormat:
    """How a model writes calls: opener, calls, closer."""

    name: str
    shapes: tuple[Shape, ...]
    """How one call is written; the first that can begin with what comes is taken."""
    opens: tuple[str, ...] = ()
    """Markers behind which calls come. The grammar writes the first."""
    closes: tuple[str, ...] = ()
    """Markers that may follow the calls. The grammar writes the first."""
    in_list: Literal["never", "may", "must"] = "never"
    """Whether the calls lie in square brackets, with commas between them."""
    separators: str = ""
    """Characters that may stand between calls outside of a list."""
    many: bool = True
    """Whether a further call may follow without another opener."""
    bare: bool = False
    """Whether an answer may begin with calls without an opener. They must be calls to known tools."""
    signs: Signs = ()

    @property
    def markers(self) -> frozenset[str]:
        """All texts that must reach the parser even where they are special tokens."""
        own = frozenset((*self.opens, *self.closes))
        return own.union(*(shape.markers for shape in self.shapes))


@dataclass(frozen=True, kw_only=True)
class ReasoningFormat:
    """How a model marks what it writes for itself before it answers."""

    name: str
    opens: tuple[str, ...]
    closes: tuple[str, ...]
    implied: bool = False
    """Whether answers begin in reasoning without saying so, unless the prompt closed it."""
    ends_at_calls: bool = False
    """Whether a call within reasoning is a call; else it is thought."""
    answer_opens: str = ""
    """A marker that may stand before the content, and belongs to it no more than `answer_closes`."""
    answer_closes: str = ""
    signs: Signs = ()

    @property
    def markers(self) -> frozenset[str]:
        """All texts that must reach the parser even where they are special tokens."""
        answer = (self.answer_opens, self.answer_closes)
        return frozenset((*self.opens, *self.closes, *filter(None, answer)))
