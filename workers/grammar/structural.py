"""Structural tags as Lark: free text in which certain marks begin something that must match. Knows no tokenizer.

Two spellings: `structures` with their `triggers`, and a tree of `format`s.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from llguidance import regex_to_lark

from penstock.workers.grammar.errors import GrammarError

Node = Mapping[str, Any]
ANY_TEXT = r"/(.|\n)*/"


def structural_tag_to_lark(tag: Any) -> str:
    """Raises GrammarError."""
    if not isinstance(tag, dict):
        raise GrammarError("a structural tag is an object")
    writer = _Writer()
    node = tag.get("format") or _of_structures(tag)
    start = writer.write(node)
    return "\n".join(["%llguidance {}", f"start: {start}", *writer.rules]) + "\n"


def _of_structures(tag: Node) -> Node:
    structures, triggers = tag.get("structures"), tag.get("triggers")
    if not isinstance(structures, list) or not isinstance(triggers, list):
        raise GrammarError("a structural tag has a `format`, or `structures` and `triggers`")
    tags = [
        {
            "type": "tag",
            "begin": _text(one, "begin"),
            "content": _schema_of(one),
            "end": _text(one, "end"),
        }
        for one in structures
    ]
    return {"type": "triggered_tags", "triggers": triggers, "tags": tags}


def _schema_of(structure: Any) -> Node:
    schema = structure.get("schema", structure.get("json_schema"))
    return {"type": "json_schema", "json_schema": {} if schema is None else schema}


class _Writer:
    """Writes one tree; `rules` collects what its root refers to."""

    def __init__(self) -> None:
        self.rules: list[str] = []

    def write(self, node: Any) -> str:
        """An expression for what `node` allows."""
        kind = node.get("type") if isinstance(node, dict) else None
        if not isinstance(kind, str) or kind not in _NODES:
            known = ", ".join(sorted(_NODES))
            raise GrammarError(f"a structural tag's format of type {kind!r} is not one of {known}")
        return _NODES[kind](self, node)

    def rule(self, body: str, options: str = "") -> str:
        name = f"r{len(self.rules)}"
        self.rules.append(f"{name}{options}: {body}")
        return name

    def any_text(self, node: Node) -> str:
        return self.rule(ANY_TEXT)

    def const_string(self, node: Node) -> str:
        return json.dumps(_text(node, "value"))

    def json_schema(self, node: Node) -> str:
        schema = node.get("json_schema")
        if schema is True:
            schema = {}
        if not isinstance(schema, dict):
            raise GrammarError("json_schema: an object is required")
        return self.rule(f"%json {json.dumps(schema)}")

    def regex(self, node: Node) -> str:
        return self.rule(f"/{regex_to_lark(_text(node, 'pattern'))}/")

    def sequence(self, node: Node) -> str:
        return self.rule(" ".join(map(self.write, _list(node, "elements"))))

    def either(self, node: Node) -> str:
        return self.rule(" | ".join(map(self.write, _list(node, "elements"))))

    def tag(self, node: Node) -> str:
        return self._tag_behind("", node)

    def _tag_behind(self, trigger: str, node: Node) -> str:
        """A tag of which `trigger` has been said."""
        begin, end = _text(node, "begin").removeprefix(trigger), _text(node, "end")
        content = node.get("content")
        opening = [json.dumps(begin)] if begin else []
        if isinstance(content, dict) and content.get("type") == "any_text" and end:
            until = self.rule(f"{ANY_TEXT} {json.dumps(end)}", "[lazy]")
            return self.rule(" ".join([*opening, until]))
        closing = [json.dumps(end)] if end else []
        return self.rule(" ".join([*opening, self.write(content), *closing]))

    def triggered_tags(self, node: Node) -> str:
        """Free text up to a trigger; then one of its tags, and so on."""
        triggers, tags = _list(node, "triggers"), _list(node, "tags")
        found = [self._triggered(trigger, tags) for trigger in triggers]
        for tag in tags:
            if not any(_text(tag, "begin").startswith(trigger) for trigger in triggers):
                raise GrammarError(f"no trigger begins {_text(tag, 'begin')!r}")
        one = "(" + " | ".join(found) + ")"
        if node.get("stop_after_first"):
            return one if node.get("at_least_one") else f"({one} | {self.rule(ANY_TEXT)})"
        return f"{one}{'+' if node.get('at_least_one') else '*'} {self.rule(ANY_TEXT)}"

    def _triggered(self, trigger: Any, tags: list[Any]) -> str:
        if not isinstance(trigger, str) or not trigger:
            raise GrammarError("triggers are strings, none of them empty")
        mine = [tag for tag in tags if _text(tag, "begin").startswith(trigger)]
        if not mine:
            raise GrammarError(f"no tag begins with the trigger {trigger!r}")
        head = self.rule(f"{ANY_TEXT} {json.dumps(trigger)}", "[lazy]")
        return f"{head} ({' | '.join(self._tag_behind(trigger, tag) for tag in mine)})"

    def tags_with_separator(self, node: Node) -> str:
        one = "(" + " | ".join(map(self.write, _list(node, "tags"))) + ")"
        separator = _text(node, "separator")
        many = one
        if not node.get("stop_after_first"):
            many = f"{one} ({json.dumps(separator) if separator else ''} {one})*"
        return many if node.get("at_least_one") else f"({many})?"


_NODES: Mapping[str, Callable[[_Writer, Node], str]] = {
    "any_text": _Writer.any_text,
    "const_string": _Writer.const_string,
    "json_schema": _Writer.json_schema,
    "regex": _Writer.regex,
    "sequence": _Writer.sequence,
    "or": _Writer.either,
    "tag": _Writer.tag,
    "triggered_tags": _Writer.triggered_tags,
    "tags_with_separator": _Writer.tags_with_separator,
}


def _text(node: Any, name: str) -> str:
    value = node.get(name) if isinstance(node, dict) else None
    if not isinstance(value, str):
        raise GrammarError(f"{name}: a string is required")
    return value


def _list(node: Node, name: str) -> list[Any]:
    value = node.get(name)
    if not isinstance(value, list) or not value:
        raise GrammarError(f"{name}: a list is required, and not an empty one")
    return value
