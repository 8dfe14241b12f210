"""Which tools are taken, and what each may be."""

from typing import Any

import pytest

from penstock.frontend.api.chat_tools import Tools, read_tools
from penstock.frontend.api.tool_bounds import MAX_BYTES, MAX_PROPERTIES, MAX_TOOLS
from penstock.frontend.errors import ApiError


def tool(name: str = "look", **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def read(*tools: Any, choice: Any = None) -> Tools:
    return read_tools(list(tools), choice, None)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "é", "a{b}", "<a>", "x" * 257, None])
def test_names_that_no_format_could_read_back_are_refused(name: Any) -> None:
    with pytest.raises(ApiError, match=r"tools\[0\].function.name: 1 to 256") as found:
        read(tool(name))
    assert (found.value.status, found.value.param) == (400, "tools")


@pytest.mark.parametrize("name", ["a", "A.b:c/d-e_9", "x" * 256])
def test_other_names_are_taken(name: str) -> None:
    assert read(tool(name)).specs[0].name == name


def test_a_name_is_there_once() -> None:
    with pytest.raises(ApiError, match=r"tools\[1\].function.name: 'look' is there twice"):
        read(tool(), tool())


def test_there_are_not_too_many() -> None:
    tools = [tool(f"t{number}") for number in range(MAX_TOOLS + 1)]
    assert len(read(*tools[:-1]).specs) == MAX_TOOLS
    with pytest.raises(ApiError, match="at most 256, got 257"):
        read(*tools)


def test_they_are_not_too_long() -> None:
    assert read(tool(description="x" * (MAX_BYTES - 200))).num_bytes > MAX_BYTES - 200
    with pytest.raises(ApiError, match="at most 1048576 bytes of JSON, got"):
        read(tool(description="x" * MAX_BYTES))


@pytest.mark.parametrize("key", ["properties", "required"])
@pytest.mark.parametrize("depth", [0, 2])
def test_they_have_not_too_many_properties(key: str, depth: int) -> None:
    def schema(number: int) -> dict[str, Any]:
        names = [f"p{i}" for i in range(number - depth)]
        found: dict[str, Any] = {key: dict.fromkeys(names, True) if key == "properties" else names}
        for _ in range(depth):
            found = {"properties": {"a": {"anyOf": [found]}}}
        return found

    read(tool(**schema(MAX_PROPERTIES)))
    with pytest.raises(ApiError, match=r"tools\[0\].function.parameters: at most 4096 .* got 4097"):
        read(tool(**schema(MAX_PROPERTIES + 1)))


def test_the_same_tool_allowed_twice_is_allowed_once() -> None:
    named = {"type": "function", "function": {"name": "look"}}
    allowed = {"mode": "auto", "tools": [named, named]}
    tools = read(
        tool("look"), tool("wait"), choice={"type": "allowed_tools", "allowed_tools": allowed}
    )
    assert [spec.name for spec in tools.callable] == ["look"]
    assert tools.is_narrowed
    assert not read(tool("look"), tool("wait")).is_narrowed
