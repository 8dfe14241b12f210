"""What a chat template expects of messages, as far as its syntax tree tells. Renders nothing."""

from collections.abc import Iterator
from typing import Literal

import msgspec
from jinja2 import nodes

ContentFormat = Literal["text", "parts", "either"]


class TemplateTraits(msgspec.Struct, frozen=True):
    """What the template expects of messages."""

    content: ContentFormat
    """text: a string. parts: a list of {"type": "text", ...}. either: it looks which it got."""
    knows_developer: bool = True
    """Else developer messages are shown as the system's."""
    content_of_calls: str | msgspec.UnsetType | None = msgspec.UNSET
    """Stands for the missing content of a message that calls tools; UNSET leaves the key out."""
    arguments: Literal["object", "text"] = "object"
    """How it wants the arguments of tool calls: parsed, or as JSON text."""


def traits(tree: nodes.Template) -> TemplateTraits:
    """By the names that templates use: a loop over `message.content` or over a variable `content`."""
    strings = {node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)}
    return TemplateTraits(_content_format(tree), "developer" in strings)


def _content_format(tree: nodes.Template) -> ContentFormat:
    names = _content_names(tree)
    if not any(_is_content(loop.iter, names) for loop in tree.find_all(nodes.For)):
        return "text"
    tests = tree.find_all(nodes.Test)
    asks = any(test.name == "string" and _is_content(test.node, names) for test in tests)
    return "either" if asks else "parts"


def _content_names(tree: nodes.Template) -> set[str]:
    """`content`, and the variables and macro parameters that some content is given to."""
    names = {"content"}
    for assign in tree.find_all(nodes.Assign):
        if isinstance(assign.target, nodes.Name) and _is_content(assign.node, names):
            names.add(assign.target.name)
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in macros:
            names.update(_bound_to_content(macros[call.node.name], call, names))
    return names


def _bound_to_content(macro: nodes.Macro, call: nodes.Call, names: set[str]) -> Iterator[str]:
    for parameter, value in zip(macro.args, call.args, strict=False):
        if _is_content(value, names):
            yield parameter.name
    for keyword in call.kwargs:
        if isinstance(keyword, nodes.Keyword) and _is_content(keyword.value, names):
            yield keyword.key


def _is_content(node: nodes.Node | None, names: set[str]) -> bool:
    match node:
        case nodes.Filter() | nodes.Test() | nodes.Getitem(arg=nodes.Slice()):
            return _is_content(node.node, names)
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return bool(key == "content")
        case nodes.Getattr(attr=attribute):
            return bool(attribute == "content")
        case nodes.Name(name=name, ctx="load"):
            return name in names
        case _:
            return False
