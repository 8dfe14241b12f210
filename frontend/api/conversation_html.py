"""A conversation as HTML that a page can take in. Knows messages and their roles, nothing of a model.

    <div class="chat-message">
    <div class="message-user">user</div>
    <div class="message-content">Hello!</div>
    </div>

`message-user` says who speaks, whoever that is; a page's style sheet is written to these three classes.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from penstock.frontend.text.chat_messages import text_of

_NAMES = {
    "zh": {
        "user": "用户",
        "assistant": "助手",
        "system": "系统",
        "developer": "开发者",
        "tool": "工具",
    }
}
"""Of roles, by language; the roles' own names are English."""


def conversation_html(messages: Sequence[Mapping[str, Any]], accept_language: str) -> str:
    """All that clients wrote is escaped. Raises TextError for a part that is no text."""
    language = accept_language.partition(",")[0].partition("-")[0].strip().lower()
    names = _NAMES.get(language, {})
    return "".join([_message(message, names) for message in messages])


def _message(message: Mapping[str, Any], names: Mapping[str, str]) -> str:
    role: str = message["role"]
    said = "\n".join([part for part in (text_of(message), *_calls(message)) if part])
    return (
        '<div class="chat-message">\n'
        f'<div class="message-user">{escape(names.get(role, role))}</div>\n'
        f'<div class="message-content">{escape(said)}</div>\n'
        "</div>\n"
    )


def _calls(message: Mapping[str, Any]) -> list[str]:
    """As a programmer would write them. What is no call is left out."""
    match message.get("tool_calls"):
        case list(calls):
            return [line for call in calls if (line := _call(call))]
        case _:
            return []


def _call(call: Any) -> str:
    match call:
        case {"function": {"name": str(name), **others}}:
            return f"{name}({others.get('arguments') or ''})"
        case _:
            return ""
