"""Items that are being written, and the events that tell of each. Knows neither the response nor numbers of events."""

from collections.abc import Sequence
from typing import Any, Protocol

from penstock.frontend.responses import ids
from penstock.frontend.responses.shapes import (
    CallItem,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
)
from penstock.frontend.text.logprobs import ChatLogprob

Events = list[dict[str, Any]]


class OpenItem(Protocol):
    """One of the output."""

    @property
    def item(self) -> Item: ...

    def opening(self) -> Events: ...

    def add(self, text: str, found: Sequence[ChatLogprob]) -> Events: ...

    def closing(self, status: Any) -> Events: ...


class OpenMessage:
    """What is said."""

    def __init__(self, response_id: str, index: int) -> None:
        self.index = index
        self.item = MessageItem(id=ids.item(response_id, "msg", index))
        self._part = OutputText()
        self._texts: list[str] = []

    def opening(self) -> Events:
        added = _item("response.output_item.added", self.index, self.item)
        return [added, self._event("response.content_part.added", part=self._part)]

    def add(self, text: str, found: Sequence[ChatLogprob]) -> Events:
        self._texts.append(text)
        self._part.logprobs.extend(found)
        return [self._event("response.output_text.delta", delta=text, logprobs=found)]

    def closing(self, status: Any) -> Events:
        part = self._part
        part.text = "".join(self._texts)
        self.item.content, self.item.status = [part], status
        return [
            self._event("response.output_text.done", text=part.text, logprobs=part.logprobs),
            self._event("response.content_part.done", part=part),
            _item("response.output_item.done", self.index, self.item),
        ]

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        return _part_event(kind, self.item.id, self.index, fields)


class OpenReasoning:
    """What is thought."""

    def __init__(self, response_id: str, index: int) -> None:
        self.index = index
        self.item = ReasoningItem(id=ids.item(response_id, "rs", index))
        self._texts: list[str] = []

    def opening(self) -> Events:
        added = _item("response.output_item.added", self.index, self.item)
        return [added, self._event("response.content_part.added", part=ReasoningText())]

    def add(self, text: str, found: Sequence[ChatLogprob]) -> Events:
        """Thoughts are told without log probabilities."""
        self._texts.append(text)
        return [self._event("response.reasoning_text.delta", delta=text)]

    def closing(self, status: Any) -> Events:
        part = ReasoningText(text="".join(self._texts))
        self.item.content, self.item.status = [part], status
        return [
            self._event("response.reasoning_text.done", text=part.text),
            self._event("response.content_part.done", part=part),
            _item("response.output_item.done", self.index, self.item),
        ]

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        return _part_event(kind, self.item.id, self.index, fields)


class OpenCall:
    """A function's name, and its arguments as they come."""

    def __init__(self, response_id: str, index: int, call_id: str, name: str) -> None:
        self.index = index
        self.item = CallItem(id=ids.item(response_id, "fc", index), call_id=call_id, name=name)
        self._texts: list[str] = []

    def opening(self) -> Events:
        return [_item("response.output_item.added", self.index, self.item)]

    def add(self, text: str, found: Sequence[ChatLogprob]) -> Events:
        """Arguments are told without log probabilities."""
        self._texts.append(text)
        return [self._event("response.function_call_arguments.delta", delta=text)]

    def closing(self, status: Any) -> Events:
        self.item.arguments, self.item.status = "".join(self._texts), status
        done = self._event(
            "response.function_call_arguments.done",
            name=self.item.name,
            arguments=self.item.arguments,
        )
        return [done, _item("response.output_item.done", self.index, self.item)]

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "item_id": self.item.id, "output_index": self.index, **fields}


def _item(kind: str, index: int, item: Item) -> dict[str, Any]:
    return {"type": kind, "output_index": index, "item": item}


def _part_event(kind: str, item_id: str, index: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Every item here has one part."""
    return {
        "type": kind,
        "item_id": item_id,
        "output_index": index,
        "content_index": 0,
        **fields,
    }
