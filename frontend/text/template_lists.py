"""Which lists a template may change, and how much they may take on. Knows no rendering but by its variables.

Its own alone: what a conversation consists of is others' as well. transformers lets a template change none, so
those that count on it fail there.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined

from penstock.frontend.text.template_bounds import CHARS_PER_ITEM, MAX_CHARS
from penstock.frontend.text.template_clock import TimedContext

CHANGES = frozenset(("append", "insert", "pop"))
"""Methods of lists that are allowed for."""


class ListContext(TimedContext):
    """A context whose template may change lists."""

    def __init__(self, environment: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(environment, *args, **kwargs)
        self.changes = _Changes(self.parent)

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        """Of the same rendering, so with the same changes."""
        context = super().derived(locals)
        assert isinstance(context, ListContext)
        context.changes = self.changes
        return context

    def change(self, changed: list[Any], arguments: Sequence[Any]) -> None:
        """Raises SecurityError where that is not allowed, and TemplateTimeoutError: a change may be all a loop does."""
        if self.environment.now() > self.end_s:  # type: ignore[attr-defined]
            self.check()
        self.changes.add(changed, arguments)


class _Changes:
    """All those of one rendering."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._num_chars = 0

    def add(self, changed: list[Any], arguments: Sequence[Any]) -> None:
        if id(changed) in self._given_ids:
            raise SecurityError("a template may not change a list that it was given")
        self._num_chars += sum(map(_weight, arguments))
        if self._num_chars > MAX_CHARS:
            raise SecurityError("the lists that a template changes would be too large")

    @cached_property
    def _given_ids(self) -> set[int]:
        """Of all containers."""
        ids, waiting = set[int](), [*self._given.values()]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list | tuple | dict) and id(value) not in ids:
                ids.add(id(value))
                waiting += value.values() if isinstance(value, dict) else value
        return ids


def _weight(value: Any) -> int:
    """In characters. What is no plain data may hold on to anything, and weighs more than is allowed."""
    weight, waiting = 0, [value]
    while waiting and weight <= MAX_CHARS:
        weight += CHARS_PER_ITEM
        match waiting.pop():
            case str() | bytes() as text:
                weight += len(text)
            case None | bool() | float() | Undefined():
                pass
            case int() as number:
                weight += number.bit_length() // 8
            case list() | tuple() as items:
                waiting += items
            case dict() as members:
                waiting += [*members, *members.values()]
            case _:
                return MAX_CHARS + 1
    return weight
