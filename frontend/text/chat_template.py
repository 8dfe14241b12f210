"""Renders a conversation into a prompt, as transformers' apply_chat_template does. Knows no tokens.

`ChatTemplates` are those of one model: mostly a single one, sometimes several by name. `ChatTemplate`
is one of them, compiled once.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import jinja2
from msgspec.structs import replace

from penstock.frontend.text.chat_messages import Message, normalize
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError, TemplateTimeoutError, TextError
from penstock.frontend.text.template_bounds import MAX_CHARS
from penstock.frontend.text.template_probe import PROBE, probe
from penstock.frontend.text.template_sandbox import TemplateEnvironment
from penstock.frontend.text.template_traits import TemplateTraits, traits
from penstock.protocol.errors import SettingsError

LIMIT_S = 1.5
"""Of computing: what takes longer answers nobody."""
PROBE_LIMIT_S = 0.2
_CONTINUE_TAG = "CONTINUE_FINAL_MESSAGE_TAG "
_RESERVED = frozenset(("messages", "chat_template", "tokenize", "continue_final_message"))


class Template(Protocol):
    """What renders a conversation."""

    def render(self, conversation: Conversation, limit_s: float = LIMIT_S) -> str: ...


class ChatTemplate:
    """One template. Rendering changes nothing in it, so threads may share it."""

    def __init__(self, source: str) -> None:
        """Raises TemplateError when it does not compile."""
        self._environment = TemplateEnvironment()
        self.source = source
        try:
            tree = self._environment.parse(source)
            self._template = self._environment.from_string(source)
        except jinja2.TemplateSyntaxError as error:
            raise self._broken(error.message or "syntax error", error.lineno) from error
        except SyntaxError as error:  # its lines are those of the Python that Jinja made
            raise self._broken(error.msg) from error
        except Exception as error:  # folding constants runs filters; parsing may nest too deeply
            raise self._broken(_reason(error)) from error
        self.traits = probe(traits(tree), self._try)

    def render(self, conversation: Conversation, limit_s: float = LIMIT_S) -> str:
        """Raises TextError."""
        if conversation.continue_final_message and conversation.add_generation_prompt:
            raise TextError(
                "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
            )
        messages = normalize(conversation.messages, self.traits)
        final = self._mark_end(messages) if conversation.continue_final_message else None
        shown = {
            "tools": conversation.tools,
            "documents": conversation.documents,
            "add_generation_prompt": conversation.add_generation_prompt,
        }
        text = self._run({**shown, **conversation.variables, "messages": messages}, limit_s)
        return text if final is None else _cut_at_mark(text, final)

    def _try(self, trial: TemplateTraits) -> str:
        variables = {"messages": normalize(PROBE["messages"], trial), "tools": PROBE["tools"]}
        return self._run({"bos_token": "", "eos_token": "", **variables}, PROBE_LIMIT_S)

    def _run(self, variables: dict[str, Any], limit_s: float) -> str:
        try:
            with self._environment.clock.within(limit_s):
                return _bounded_text(self._template.generate(variables))
        except TemplateTimeoutError as error:
            line = _line_of(error.__traceback__)
            raise TemplateTimeoutError(error.reason, line, self.source) from error
        except Exception as error:  # a template may fail like any program
            line = _line_of(error.__traceback__)
            raise TemplateError(_reason(error), line, self.source) from error

    def _broken(self, reason: str, line: int | None = None) -> TemplateError:
        return TemplateError(f"the chat template is broken: {reason}", line, self.source)

    def _mark_end(self, messages: list[Message]) -> str:
        """Puts a mark behind the final message's text, and returns that text."""
        message = messages[-1]
        content = message.get("content")
        if content is None or "content" not in self.source:
            raise TextError("continue_final_message is set but the final message has no content")
        if isinstance(content, str):
            message["content"] = content + _CONTINUE_TAG
            return content
        if not content:
            raise TextError("continue_final_message is set but the final message has no text")
        text: str = content[-1]["text"]
        content[-1]["text"] = text + _CONTINUE_TAG
        return text


def given_template(given: str) -> str:
    """The text of --chat-template, which is a file or the template itself. Raises SettingsError."""
    if "{" in given:
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(f"--chat-template {given}: no such file") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"--chat-template {given}: {error}") from error


class ChatTemplates:
    """The templates of one model by name, and the special tokens they may write."""

    def __init__(
        self, by_name: Mapping[str, str], special_tokens: Mapping[str, str] | None = None
    ) -> None:
        self._by_name = {name: ChatTemplate(source) for name, source in by_name.items()}
        self._special_tokens = dict(special_tokens or {})

    @classmethod
    def load(
        cls, folder: Path, in_config: Any = None, special_tokens: Mapping[str, str] | None = None
    ) -> "ChatTemplates":
        """Files win over what `in_config`, the tokenizer's configuration, says."""
        return cls(_in_files(folder) or _in_config(in_config), special_tokens)

    def __bool__(self) -> bool:
        return bool(self._by_name)

    @property
    def source(self) -> str:
        """Of the one that tools are shown with, if any: what an answer may look like."""
        chosen = self._by_name.get("tool_use") or self._by_name.get("default")
        return chosen.source if chosen else ""

    def pick(self, name: str | None = None, *, with_tools: bool = False) -> ChatTemplate:
        """The named one; else tool_use where tools are given and it exists; else default."""
        wanted = [name] if name else ["tool_use"] * with_tools + ["default"]
        for candidate in wanted:
            if candidate in self._by_name:
                return self._by_name[candidate]
        raise TextError(self._why_none(name))

    def render(
        self,
        conversation: Conversation,
        *,
        template: Template | None = None,
        limit_s: float = LIMIT_S,
    ) -> str:
        """The conversation's variables win over the special tokens. Raises TextError."""
        if reserved := _RESERVED & conversation.variables.keys():
            raise TextError(f"chat_template_kwargs must not set {', '.join(sorted(reserved))}")
        chosen: Template = template or self.pick(with_tools=conversation.tools is not None)
        variables = {**self._special_tokens, **conversation.variables}
        return chosen.render(replace(conversation, variables=variables), limit_s)

    def _why_none(self, name: str | None) -> str:
        known = ", ".join(sorted(self._by_name))
        if name:
            return f"there is no chat template named {name!r} (known: {known or 'none'})"
        if known:
            return f"none of the model's chat templates is the default (known: {known})"
        return "this model has no chat template; give one with --chat-template"


def _bounded_text(generated: Iterator[str]) -> str:
    pieces: list[str] = []
    size = 0
    for piece in generated:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_CHARS:
            raise OverflowError(f"the rendered prompt exceeds {MAX_CHARS} characters")
    return "".join(pieces)


def _in_files(folder: Path) -> dict[str, str]:
    found = {path.stem: path for path in sorted(folder.glob("additional_chat_templates/*.jinja"))}
    if (default := folder / "chat_template.jinja").is_file():
        found["default"] = default
    return {name: path.read_text("utf-8") for name, path in found.items()}


def _in_config(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"default": value}
    return {entry["name"]: entry["template"] for entry in value or ()}


def _cut_at_mark(text: str, final: str) -> str:
    """What comes behind the mark is the template's end of message. A trimmed mark was trimmed with its text."""
    mark = text.rfind(_CONTINUE_TAG.strip())
    if mark < 0 or final.strip() not in text:
        raise TemplateError(
            "continue_final_message is set but the chat template does not show the final message"
        )
    before = text[:mark]
    return before if text.startswith(_CONTINUE_TAG, mark) else before.rstrip()


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it takes too much memory"
    return str(error) or type(error).__name__


def _line_of(traceback: TracebackType | None) -> int | None:
    """The innermost line that belongs to the template: Jinja rewrites tracebacks to say so."""
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
