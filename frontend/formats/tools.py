"""The tools that a conversation offers, as far as a format must know them."""

from typing import Any

from msgspec import Struct, field


class ToolSpec(Struct, frozen=True):
    """One function: its name, and the JSON schema of its arguments."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    strict: bool = False
