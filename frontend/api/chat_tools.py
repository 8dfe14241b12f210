"""The tools of a chat request, and whether one has to be called. Knows the API's words, no model's format."""

import enum
import re
from typing import Any

import msgspec

from penstock.frontend.api.tool_bounds import check_schemas, checked_size
from penstock.frontend.errors import ApiError, bad_request
from penstock.frontend.formats import ToolSpec

MAX_NAME_CHARS = 256
_NAME = re.compile(rf"[A-Za-z0-9_.:/-]{{1,{MAX_NAME_CHARS}}}")
"""What every format can read back."""
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


class Choice(enum.Enum):
    """What `tool_choice` comes to."""

    NONE = "none"
    AUTO = "auto"
    FORCED = "required"


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What may be called."""

    specs: tuple[ToolSpec, ...]
    choice: Choice
    callable: tuple[ToolSpec, ...]
    """All of them, or the one that `tool_choice` names."""
    parallel: bool
    num_bytes: int = 0
    """As JSON."""

    @property
    def is_parsed(self) -> bool:
        return self.choice is not Choice.NONE

    @property
    def is_narrowed(self) -> bool:
        """Whether there are tools that may not be called."""
        return len(self.callable) < len(self.specs)


NO_TOOLS = Tools(specs=(), choice=Choice.NONE, callable=(), parallel=True)


def read_tools(tools: list[Any] | None, choice: Any, parallel: bool | None) -> Tools:
    """Raises ApiError 400."""
    if tools is None:
        if choice is not None and choice != "none":
            raise bad_request("When using `tool_choice`, `tools` must be set.", "tool_choice")
        return NO_TOOLS
    if not tools:
        raise bad_request("`tools` must not be an empty array; leave it out instead.", "tools")
    num_bytes = checked_size(tools)
    specs = tuple(_spec(f"tools[{index}]", tool) for index, tool in enumerate(tools))
    _check_names(specs)
    check_schemas(specs)
    found, callable_ = _choose(choice, specs)
    return Tools(
        specs=specs,
        choice=found,
        callable=callable_,
        parallel=parallel is not False,
        num_bytes=num_bytes,
    )


def _spec(place: str, tool: Any) -> ToolSpec:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or tool.get("type", "function") != "function":
        raise bad_request(f'{place}: expected {{"type": "function", "function": ...}}', "tools")
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad_request(
            f"{place}.function.name: 1 to {MAX_NAME_CHARS} letters, digits or _ . : / -", "tools"
        )
    if parameters is not None and not isinstance(parameters, dict):
        raise bad_request(f"{place}.function.parameters: expected a JSON schema", "tools")
    return ToolSpec(name, parameters or _NO_PARAMETERS, bool(function.get("strict")))


def _check_names(specs: tuple[ToolSpec, ...]) -> None:
    seen: set[str] = set()
    for index, spec in enumerate(specs):
        if spec.name in seen:
            raise bad_request(
                f"tools[{index}].function.name: {spec.name!r} is there twice", "tools"
            )
        seen.add(spec.name)


def _choose(choice: Any, specs: tuple[ToolSpec, ...]) -> tuple[Choice, tuple[ToolSpec, ...]]:
    match choice:
        case None | "auto":
            return Choice.AUTO, specs
        case "none":
            return Choice.NONE, specs
        case "required":
            return Choice.FORCED, specs
        case {"type": "function", "function": {"name": str(name)}}:
            return Choice.FORCED, (_named(name, specs),)
        case {"type": "allowed_tools", "allowed_tools": dict(allowed)}:
            return _allowed(allowed, specs)
        case _:
            raise bad_request(
                'tool_choice must be "none", "auto", "required" or '
                '{"type": "function", "function": {"name": ...}}.',
                "tool_choice",
                choice,
            )


def _allowed(
    allowed: dict[str, Any], specs: tuple[ToolSpec, ...]
) -> tuple[Choice, tuple[ToolSpec, ...]]:
    """OpenAI's subset of the tools, which leaves the prompt as it is."""
    match allowed:
        case {"mode": "auto" | "required" as mode, "tools": list(tools)} if tools:
            names = dict.fromkeys(map(_name_of, tools))
            return Choice(mode), tuple(_named(name, specs) for name in names)
        case _:
            raise bad_request("tool_choice.allowed_tools needs a mode and tools.", "tool_choice")


def _name_of(tool: Any) -> str:
    match tool:
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return name
        case _:
            raise bad_request("tool_choice.allowed_tools.tools: each needs a name.", "tool_choice")


def _named(name: str, specs: tuple[ToolSpec, ...]) -> ToolSpec:
    found = next((spec for spec in specs if spec.name == name), None)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> ApiError:
    return bad_request(
        "The tool specified in `tool_choice` does not match any of the specified `tools`.",
        "tool_choice",
    )
