"""Brings a client's messages into the form a chat template expects. Knows no Jinja and no HTTP.

The template sees what transformers would show it: keys without a value are left out, reasoning is found
under each of its names, tool arguments are objects. The caller's messages stay as they are.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.frontend.text.errors import TextError
from penstock.frontend.text.template_traits import TemplateTraits

Message = dict[str, Any]
TEXT_OF_PART = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
    "thinking": "thinking",
}
"""Kinds of content parts that are text, and the key it is under."""
_SHOWN_AS_IT_IS = frozenset(("system", "developer", "tool"))
"""Templates that look whether content is text look at users and assistants; here a list might show as Python's."""
_REASONING = ("reasoning_content", "thinking", "reasoning")


def normalize(messages: Sequence[Mapping[str, Any]], traits: TemplateTraits) -> list[Message]:
    """Raises TextError for what no template of a text model can show."""
    if not messages:
        raise TextError(
            "Cannot apply chat template to an empty conversation. Provide at least one message."
        )
    shown = [_normalize(message, traits) for message in messages]
    roles = {message.get("role") for message in messages}
    if "developer" in roles and not traits.knows_developer:
        return _with_one_system_message(shown, traits)
    return shown


def _normalize(original: Mapping[str, Any], traits: TemplateTraits) -> Message:
    message = {key: value for key, value in original.items() if value is not None}
    if message.get("role") == "developer" and not traits.knows_developer:
        message["role"] = "system"
    if "content" in message:
        message["content"] = _content(message["content"], traits, message.get("role"))
    if calls := message.pop("tool_calls", None):
        message["tool_calls"] = _tool_calls(calls, traits)
    if message.get("role") == "assistant":
        _fill_content(message, traits)
    return _with_reasoning(message)


def _with_one_system_message(messages: list[Message], traits: TemplateTraits) -> list[Message]:
    """Many templates take a system message in first place only; a developer's may come anywhere."""
    system = [message for message in messages if message.get("role") == "system"]
    others = [message for message in messages if message.get("role") != "system"]
    texts = [_as_text(message.get("content", "")) for message in system]
    content = _content("\n\n".join(filter(None, texts)), traits)
    return [{**system[0], "content": content}, *others]


def _as_text(content: str | list[Message]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def _fill_content(message: Message, traits: TemplateTraits) -> None:
    if "content" in message:
        return
    if "tool_calls" not in message:
        message["content"] = ""
    elif traits.content_of_calls is not msgspec.UNSET:
        message["content"] = traits.content_of_calls


def _content(content: Any, traits: TemplateTraits, role: Any = None) -> Any:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if traits.content == "parts" else content
    if not isinstance(content, list):
        raise TextError(f"a message's content is a text or a list of parts, got {content!r:.80}")
    texts = [text_of_part(part) for part in content]
    if traits.content == "text" or (traits.content == "either" and role in _SHOWN_AS_IT_IS):
        return "\n".join(texts)
    return [{"type": "text", "text": text} for text in texts]


def text_of(message: Mapping[str, Any]) -> str:
    """All of a message's content."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(map(text_of_part, content))


def text_of_part(part: Any) -> str:
    """Raises TextError for what is no text."""
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else None
    if not isinstance(kind, str) or kind not in TEXT_OF_PART:
        raise TextError(f"this model reads text only, it takes no content part of type {kind!r}")
    if not isinstance(text := part.get(TEXT_OF_PART[kind]), str):
        raise TextError(f"a content part of type {kind!r} needs a {TEXT_OF_PART[kind]!r}")
    return text


def _with_reasoning(message: Message) -> Message:
    reasoning = next((message[key] for key in _REASONING if key in message), None)
    if reasoning is None:
        return message
    return {"thinking": reasoning, **message, "reasoning_content": reasoning}


def _tool_calls(calls: Any, traits: TemplateTraits) -> list[Message]:
    if not isinstance(calls, list):
        raise TextError("'tool_calls' is a list")
    return [_tool_call(call, traits) for call in calls]


def _tool_call(call: Any, traits: TemplateTraits) -> Message:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or call.get("type", "function") != "function":
        raise TextError("each of 'tool_calls' is of type 'function' and holds a 'function'")
    try:
        arguments = _shown_arguments(function.get("arguments"), traits)
    except RecursionError as error:
        raise TextError("the arguments of a tool call are nested too deeply") from error
    return {**call, "function": {**function, "arguments": arguments}}


def _shown_arguments(arguments: Any, traits: TemplateTraits) -> Any:
    found = _arguments(arguments)
    return json.dumps(found, ensure_ascii=False) if traits.arguments == "text" else found


def _arguments(arguments: Any) -> Mapping[str, Any]:
    """What a model once wrote as arguments may be broken; refusing it would end the conversation."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return {}
    return arguments if isinstance(arguments, Mapping) else {}
