"""Items of a conversation as the messages that chat templates know. Knows no template.

A model's turn is one message: what it thought, said and called is gathered until somebody else speaks.
"""

from collections.abc import Callable, Iterable
from typing import Any

from penstock.frontend.errors import bad_request
from penstock.frontend.responses.request import Item

Message = dict[str, Any]
INSTRUCTIONS_ROLE = "developer"
"""Templates that do not know it get it in their one system message, wherever else there are some."""


def as_items(given: str | list[Item]) -> list[Item]:
    """A text is what the user says."""
    return (
        [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
    )


def messages(instructions: str | list[Item] | None, items: Iterable[Item]) -> list[Message]:
    """Raises ApiError 400 for an item that no text model can read."""
    conversation = _Conversation()
    if isinstance(instructions, str):
        conversation.messages.append({"role": INSTRUCTIONS_ROLE, "content": instructions})
    for item in [*(instructions if isinstance(instructions, list) else ()), *items]:
        conversation.add(item)
    return conversation.whole()


class _Conversation:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._turn: Message | None = None
        """The model's, while it may still go on."""

    def add(self, item: Item) -> None:
        kind = item.get("type") or ("message" if "role" in item else None)
        add = _KINDS.get(kind) if isinstance(kind, str) else None
        if add is None:
            raise bad_request(f"input: items of type {kind!r:.80} are not supported.", "input")
        add(self, item)

    def whole(self) -> list[Message]:
        """Without thoughts that led to nothing."""
        return [m for m in self.messages if m["role"] != "assistant" or len(m) > 1]

    def _message(self, item: Item) -> None:
        role, content = item.get("role"), item.get("content")
        if not isinstance(role, str):
            raise bad_request("input: a message needs a role.", "input")
        if role != "assistant":
            self._turn = None
            self.messages.append({"role": role, "content": content})
            return
        turn = self._turn
        if turn is None or "content" in turn or "tool_calls" in turn:
            turn = self._begin()
        turn["content"] = content

    def _reasoning(self, item: Item) -> None:
        parts = item.get("content") or item.get("summary") or []
        if not isinstance(parts, list):
            raise bad_request("input: reasoning is a list of parts.", "input")
        texts = [part["text"] for part in parts if isinstance(part, dict) and "text" in part]
        if texts:
            self._begin()["reasoning"] = "\n".join(map(str, texts))

    def _call(self, item: Item) -> None:
        name, call_id = item.get("name"), item.get("call_id") or item.get("id")
        if not isinstance(name, str) or not isinstance(call_id, str):
            raise bad_request("input: a function_call needs a name and a call_id.", "input")
        function = {"name": name, "arguments": item.get("arguments") or "{}"}
        turn = self._turn if self._turn is not None else self._begin()
        turn.setdefault("tool_calls", []).append(
            {"id": call_id, "type": "function", "function": function}
        )

    def _output(self, item: Item) -> None:
        call_id = item.get("call_id")
        if not isinstance(call_id, str):
            raise bad_request("input: a function_call_output needs its call_id.", "input")
        self._turn = None
        content = item.get("output")
        self.messages.append(
            {"role": "tool", "tool_call_id": call_id, "content": "" if content is None else content}
        )

    def _begin(self) -> Message:
        self._turn = {"role": "assistant"}
        self.messages.append(self._turn)
        return self._turn


_KINDS: dict[str, Callable[[_Conversation, Item], None]] = {
    "message": _Conversation._message,
    "reasoning": _Conversation._reasoning,
    "function_call": _Conversation._call,
    "function_call_output": _Conversation._output,
}
