"""What a conversation is and how its text reads. Knows no tokenizer and no subject matter."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Tool = dict[str, Any]

THOUGHT_OPENS, THOUGHT_CLOSES = "<think>\n", "\n</think>\n\n"
ANSWER_OPENS = "<|im_start|>assistant\n"
DEFAULT_SYSTEM = "You are brook, a small language model."
TOOLS_HEAD = "\n\nYou can call these functions:\n<tools>\n"
TOOLS_TAIL = (
    "\n</tools>\nTo call one, answer with\n<tool_call>\n"
    '{"name": "...", "arguments": {...}}\n</tool_call>'
)


@dataclass
class Chat:
    """One conversation; its last message is the answer that `expect` describes."""

    kind: str
    messages: list[Message]
    tools: list[Tool] = field(default_factory=list)
    expect: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """A stretch of rendered text; `learned` marks what the model itself should say."""

    text: str
    learned: bool


def dumps(value: object) -> str:
    """JSON as the chat template's `tojson` writes it."""
    return json.dumps(value, ensure_ascii=False)


def call_text(call: Message) -> str:
    """One tool call as the assistant writes it."""
    function = call["function"]
    body = f'{{"name": {dumps(function["name"])}, "arguments": {dumps(function["arguments"])}}}'
    return f"<tool_call>\n{body}\n</tool_call>"


def assistant_text(message: Message) -> str:
    """The text of an assistant turn: its words first, then its tool calls."""
    parts = [message["content"]] if message.get("content") else []
    return "\n".join(parts + [call_text(c) for c in message.get("tool_calls", [])])


def system_text(messages: list[Message], tools: list[Tool]) -> str:
    """The system turn's text: the first message's or the default, then the tools."""
    given = bool(messages) and messages[0]["role"] == "system"
    text = messages[0]["content"] if given else DEFAULT_SYSTEM
    if not tools:
        return text
    return text + TOOLS_HEAD + "\n".join(dumps(tool) for tool in tools) + TOOLS_TAIL


def _turn(role: str, text: str) -> Piece:
    return Piece(f"<|im_start|>{role}\n{text}<|im_end|>\n", learned=False)


def _tool_turns(messages: list[Message], start: int) -> tuple[str, int]:
    """Neighbouring tool messages share one user turn; gives its text and the index after it."""
    end = start
    while end < len(messages) and messages[end]["role"] == "tool":
        end += 1
    texts = (f"<tool_response>\n{m['content']}\n</tool_response>" for m in messages[start:end])
    return "\n".join(texts), end


def last_question(messages: list[Message]) -> int:
    """Where the user last spoke; thoughts before it are not shown again."""
    return max((i for i, message in enumerate(messages) if message["role"] == "user"), default=-1)


def _answer(message: Message, thinks: bool) -> Iterator[Piece]:
    """An assistant turn; the mark that opens a thought is the prompt's, as with `enable_thinking`."""
    thought = message.get("reasoning_content") if thinks else None
    yield Piece(ANSWER_OPENS + (THOUGHT_OPENS if thought else ""), learned=False)
    before = thought + THOUGHT_CLOSES if thought else ""
    yield Piece(before + assistant_text(message) + "<|im_end|>", learned=True)
    yield Piece("\n", learned=False)


def pieces(messages: list[Message], tools: list[Tool]) -> Iterator[Piece]:
    """The conversation's text in order, cut where learning starts and stops."""
    if messages and messages[0]["role"] == "text":
        yield Piece(messages[0]["content"] + "<|endoftext|>", learned=True)
        return
    yield _turn("system", system_text(messages, tools))
    at = 1 if messages and messages[0]["role"] == "system" else 0
    asked = last_question(messages)
    while at < len(messages):
        message = messages[at]
        if message["role"] == "tool":
            text, at = _tool_turns(messages, at)
            yield _turn("user", text)
            continue
        if message["role"] == "assistant":
            yield from _answer(message, thinks=at > asked)
        else:
            yield _turn(message["role"], message["content"])
        at += 1


def render(
    messages: list[Message], tools: list[Tool], prompt: bool = False, thinking: bool = False
) -> str:
    """The whole text; with `prompt` it ends where the assistant's answer begins, or its thought."""
    text = "".join(piece.text for piece in pieces(messages, tools))
    return text + ANSWER_OPENS + (THOUGHT_OPENS if thinking else "") if prompt else text


# Functions are shown in the keys and the order that training showed them in: every SDK adds its own
# (`title`, `strict`, `$schema`, ...), and so small a model loses its way among them.
TEMPLATE = (
    """\
{%- macro text(content) -%}
{%- if content is string -%}{{ content }}
{%- elif content -%}{%- for part in content -%}{{ part.text }}{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- macro field(schema) -%}
{%- set first = ['type', 'enum', 'description'] -%}
{%- set more = schema | list | reject('in', first + ['title']) | list -%}
{%- for key in first + more if key in schema -%}
{{- key | tojson }}: {{ schema[key] | tojson }}{% if not loop.last %}, {% endif -%}
{%- endfor -%}
{%- endmacro -%}
{%- macro signature(function) -%}
{%- set schema = function.parameters or {} -%}
{{- '{"type": "function", "function": {"name": ' + (function.name | tojson) -}}
{{- ', "description": ' + ((function.description or '') | tojson) -}}
{{- ', "parameters": {"type": "object", "properties": {' -}}
{%- for name, about in (schema.properties or {}).items() -%}
{{- name | tojson }}: {{ '{' + field(about) + '}' if about is mapping else about | tojson -}}
{%- if not loop.last %}, {% endif -%}
{%- endfor -%}
{{- '}, "required": ' + ((schema.required or []) | tojson) + '}}}' -}}
{%- endmacro -%}
{%- set given = messages and messages[0].role == 'system' -%}
{{- '<|im_start|>system\n' -}}
{%- if given -%}{{- text(messages[0].content) -}}
{%- else -%}{{- '@DEFAULT@' -}}{%- endif -%}
{%- if tools -%}
{{- '@HEAD@' -}}
{%- for tool in tools -%}
{{- signature(tool.function if tool.function is defined else tool) -}}
{%- if not loop.last -%}{{- '\n' -}}{%- endif -%}
{%- endfor -%}
{{- '@TAIL@' -}}
{%- endif -%}
{{- '<|im_end|>\n' -}}
{%- set turns = messages[1:] if given else messages -%}
{%- set asked = namespace(at=-1) -%}
{%- for message in turns -%}
{%- if message.role == 'user' -%}{%- set asked.at = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for message in turns -%}
{%- if message.role == 'tool' -%}
{%- if loop.first or loop.previtem.role != 'tool' -%}{{- '<|im_start|>user\n' -}}
{%- else -%}{{- '\n' -}}{%- endif -%}
{{- '<tool_response>\n' + text(message.content) + '\n</tool_response>' -}}
{%- if loop.last or loop.nextitem.role != 'tool' -%}{{- '<|im_end|>\n' -}}{%- endif -%}
{%- else -%}
{%- set words = text(message.content) -%}
{{- '<|im_start|>' + message.role + '\n' -}}
{%- if message.role == 'assistant' -%}
{%- if loop.index0 > asked.at and message.reasoning_content -%}
{{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' -}}
{%- elif loop.index0 < asked.at and '</think>' in words -%}
{%- set words = words.split('</think>')[-1].lstrip('\n') -%}
{%- endif -%}
{%- endif -%}
{{- words -}}
{%- for call in (message.tool_calls or []) if message.role == 'assistant' -%}
{%- set function = call.function if call.function is defined else call -%}
{%- if words or not loop.first -%}{{- '\n' -}}{%- endif -%}
{{- '<tool_call>\n{"name": ' + (function.name | tojson) + ', "arguments": ' -}}
{{- function.arguments if function.arguments is string else (function.arguments | tojson) -}}
{{- '}\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\n' -}}
{%- if enable_thinking -%}{{- '<think>\n' -}}{%- endif -%}
{%- endif -%}
""".replace("@DEFAULT@", DEFAULT_SYSTEM)
    .replace("@HEAD@", TOOLS_HEAD.replace("\n", "\\n"))
    .replace("@TAIL@", TOOLS_TAIL.replace("\n", "\\n"))
)
