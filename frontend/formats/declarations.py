"""What is to be said of a format: data. Knows nothing of how it is read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from penstock.frontend.formats.shape import Shape

Signs = tuple[tuple[str, ...], ...]
"""Texts in a chat template that show a format: all of one of these groups."""
_BRACKETED = re.compile(r"<[^<>]+>|\[[^\[\]]+\]")


@dataclass(frozen=True, kw_only=True)
class ToolFormat:
    """How a model writes calls: opener, calls, closer."""

    name: str
    shapes: tuple[Shape, ...]
    """How one call is written. The grammar writes the first; of those that can begin with what comes, one
    that says how it begins is taken first."""
    opens: tuple[str, ...] = ()
    """Markers behind which calls come."""
    enters: tuple[str, ...] = ()
    """Beginnings of calls that may come without an opener, anywhere."""
    closes: tuple[str, ...] = ()
    """Markers that may follow the calls. The grammar writes the first, if `closed`."""
    closed: bool = True
    in_list: Literal["never", "may", "should", "must"] = "never"
    """Whether the calls lie in square brackets, with commas between them; where they should, a call
    without brackets is read too."""
    separators: str = ""
    """Characters that may stand between calls outside of a list."""
    many: bool = True
    """Whether a further call may follow without another opener."""
    together: bool = False
    """Whether the model writes all calls behind one opener."""
    inner: str = ""
    """What the grammar writes between a marker and the calls."""
    between: str = ""
    """What the grammar writes between calls that share an opener, else between one's closer and the next opener."""
    bare: bool = False
    """Whether an answer may begin with calls without an opener. They must be calls to known tools."""
    call_id: str = "call_{random24}"
    """How a call's id is made, from `random24`, `random9`, the call's `index` and the function's `name`."""
    signs: Signs = ()

    @property
    def is_marked(self) -> bool:
        """Whether text can be told from calls by their openers alone: nobody writes them by chance."""
        marked = all(map(_BRACKETED.fullmatch, self.opens))
        return not self.bare and marked and all(each.startswith("<") for each in self.enters)

    @property
    def markers(self) -> frozenset[str]:
        """All texts that must reach the parser even where they are special tokens."""
        of_shapes = (marker for shape in self.shapes for marker in shape.markers)
        return _with_parts((*self.opens, *self.enters, *self.closes, *of_shapes))


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
    turn_opens: tuple[str, ...] = ()
    """Markers that may stand between thoughts, calls and content, and say nothing."""
    answer_opens: tuple[str, ...] = ()
    """Markers that may stand before the content, and belong to it no more than `answer_closes`."""
    answer_closes: tuple[str, ...] = ()
    signs: Signs = ()

    @property
    def markers(self) -> frozenset[str]:
        """All texts that must reach the parser even where they are special tokens."""
        texts = (*self.opens, *self.closes, *self.turn_opens)
        return _with_parts((*texts, *self.answer_opens, *self.answer_closes))


def _with_parts(texts: Iterable[str]) -> frozenset[str]:
    """A marker may be several special tokens in a row, with text between them."""
    whole = [text.strip() for text in texts]
    return frozenset((*whole, *(part for text in whole for part in _BRACKETED.findall(text))))
