"""Tools and the choice among them, in this API's spelling and in chat's. Knows both shapes, not what they mean.

Here {"type": "function", "name": ...}; in chat the rest stands under the type's own name:
{"type": "function", "function": {"name": ...}}. Requests may use either, answers have this one.
"""

from typing import Any

from penstock.frontend.errors import bad_request

_FUNCTION_KEYS = ("name", "description", "parameters", "strict")


def own_tools(tools: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """In this API's spelling. Raises ApiError 400 for what is no function, or is said in both ways."""
    if tools is None:
        return None
    return [_own_tool(f"tools[{index}]", tool) for index, tool in enumerate(tools)]


def own_choice(choice: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    """As `own_tools`."""
    if not isinstance(choice, dict):
        return choice
    choice = _flat("tool_choice", choice)
    match choice:
        case {"type": "allowed_tools", "tools": list(tools)}:
            own = [_flat("tool_choice", tool) if isinstance(tool, dict) else tool for tool in tools]
            return choice | {"tools": own}
        case _:
            return choice


def chat_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """From this API's spelling."""
    function = {key: tool[key] for key in _FUNCTION_KEYS if tool.get(key) is not None}
    return {"type": "function", "function": function}


def chat_choice(choice: Any) -> Any:
    """From this API's spelling."""
    match choice:
        case {"type": "function", "name": name}:
            return {"type": "function", "function": {"name": name}}
        case {"type": "allowed_tools", "mode": mode, "tools": tools}:
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
        case _:
            return choice


def _own_tool(place: str, tool: dict[str, Any]) -> dict[str, Any]:
    kind = tool.get("type")
    if kind != "function":
        raise bad_request(
            f"{place}: tools of type {kind!r:.80} are not supported; only functions are.", "tools"
        )
    return _flat(place, tool)


def _flat(place: str, spelled: dict[str, Any]) -> dict[str, Any]:
    """Without chat's inner object, if there is one."""
    kind = spelled.get("type")
    inner = spelled.get(kind) if isinstance(kind, str) else None
    if not isinstance(inner, dict):
        return spelled
    outer = {key: value for key, value in spelled.items() if key != kind}
    if twice := sorted(outer.keys() & inner.keys()):
        raise bad_request(
            f"{place}: {', '.join(twice)[:80]} is said twice, beside {kind!r:.80} and in it.",
            place.partition("[")[0],
        )
    return outer | inner
