"""Tools that mean harm: hostile schemas as parameters, odd names, crowds, and calls of the past. Knows bodies only."""

import random
from collections.abc import Callable
from typing import Any

from support.hostile import hostile_schema

Fields = dict[str, Any]
NAMES = (
    "f",
    "a b",
    "{",
    "get\nweather",
    "x" * 300,
    "",
    "\ud83d\ude00",
    "</tool_call>",
    '"',
    "a.b-c_d",
    "f",
)


def hostile_tools(seed: int) -> Fields:
    """What to put into a chat request's body."""
    dice = random.Random(seed)
    return dice.choice(_FAMILIES)(dice)


def _tool(name: Any, parameters: Any) -> Fields:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _forced(dice: random.Random) -> Fields:
    """A schema that a grammar is made of."""
    tool = _tool("f", hostile_schema(dice))
    tool["function"]["strict"] = dice.random() < 0.3
    named = {"type": "function", "function": {"name": "f"}}
    return {"tools": [tool], "tool_choice": dice.choice(("required", named))}


def _offered(dice: random.Random) -> Fields:
    """A schema that only the template sees."""
    return {"tools": [_tool("f", hostile_schema(dice))]}


def _named(dice: random.Random) -> Fields:
    names = [dice.choice(NAMES) for _ in range(dice.randint(1, 4))]
    choice = dice.choice(("auto", "required", {"type": "function", "function": {"name": names[0]}}))
    return {"tools": [_tool(name, {"type": "object"}) for name in names], "tool_choice": choice}


def _crowd(dice: random.Random) -> Fields:
    count = dice.choice((100, 1000, 5000))
    tools = [_tool(f"f{i}", {"type": "object", "properties": {"a": {}}}) for i in range(count)]
    return {"tools": tools, "tool_choice": dice.choice(("auto", "required"))}


def _confused(dice: random.Random) -> Fields:
    """Types that nobody expects."""
    odd: Any = dice.choice((None, 7, "x", [], {}, [[]], {"type": 7}, {"properties": 3}, True))
    tool: Any = dice.choice((odd, {"function": odd}, _tool(odd, {}), _tool("f", odd)))
    choice: Any = dice.choice(
        ("required", "sometimes", odd, {"type": "allowed_tools", "allowed_tools": odd})
    )
    return {"tools": [tool], "tool_choice": choice}


def _of_the_past(dice: random.Random) -> Fields:
    """A conversation whose calls and results make no sense."""
    arguments: Any = dice.choice(
        ("[" * 100_000, "{", '"', None, 7, {"a": 1}, '{"a": ' * 5000, "\u0000")
    )
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": dice.choice(NAMES), "arguments": arguments},
    }
    messages: list[Any] = [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": dice.choice(([call], call, [7], [{}])),
        },
        {
            "role": "tool",
            "tool_call_id": dice.choice(("1", "2", None)),
            "content": dice.choice(("", None, [7])),
        },
    ]
    return {"messages": messages}


_FAMILIES: tuple[Callable[[random.Random], Fields], ...] = (
    _forced,
    _forced,
    _offered,
    _named,
    _crowd,
    _confused,
    _of_the_past,
)
