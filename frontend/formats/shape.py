"""What a way of writing calls down must be able to do. Knows no particular one."""

from typing import Protocol

from penstock.frontend.formats.call import Call
from penstock.frontend.formats.grammar.rules import Rules
from penstock.frontend.formats.tape import Step, Tape
from penstock.frontend.formats.tools import ToolSpec


class Shape(Protocol):
    """How one call is written. A value: formats share it, and so do threads."""

    @property
    def begins(self) -> tuple[str, ...]:
        """With one of these a call begins; with none of them, anything may be one."""
        ...

    @property
    def ends(self) -> tuple[str, ...]:
        """Markers that end a call even if it is malformed."""
        ...

    @property
    def markers(self) -> frozenset[str]:
        """Texts that must reach `read` even where they are special tokens."""
        ...

    def read(self, tape: Tape, call: Call) -> Step[None]:
        """Raises MalformedError, having read what belonged to the call."""
        ...

    def grammar(self, rules: Rules, tool: ToolSpec) -> str:
        """A Lark expression for one call to this tool."""
        ...
