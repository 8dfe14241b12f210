"""The text that training sees is the text that the chat template renders."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from brook.chat import TEMPLATE, Chat, pieces, render
from brook.corpus import chats
from brook.tokens import encode
from tokenizers import Tokenizer
from transformers import AutoTokenizer


@pytest.fixture(scope="module")
def tokenizer(shipped: Path) -> Any:
    return AutoTokenizer.from_pretrained(shipped)


def some(count: int) -> list[Chat]:
    return [c for c in itertools.islice(chats(21), count) if c.kind != "bare"]


def test_the_shipped_template_is_the_one_in_tools(tokenizer: Any) -> None:
    assert tokenizer.chat_template == TEMPLATE


def test_rendering_equals_the_chat_template(tokenizer: Any) -> None:
    for chat in some(300):
        theirs = tokenizer.apply_chat_template(
            chat.messages, tools=chat.tools or None, tokenize=False
        )
        assert theirs == render(chat.messages, chat.tools)


def test_the_generation_prompt_equals_the_chat_template(tokenizer: Any) -> None:
    for chat in some(50):
        theirs = tokenizer.apply_chat_template(
            chat.messages[:-1],
            tools=chat.tools or None,
            tokenize=False,
            add_generation_prompt=True,
        )
        assert theirs == render(chat.messages[:-1], chat.tools, prompt=True)


def test_arguments_may_be_json_text_and_content_may_be_parts(tokenizer: Any) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    text = tokenizer.apply_chat_template(
        [
            {"role": "user", "content": [{"type": "text", "text": "Do it."}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        tokenize=False,
    )
    assert "<|im_start|>user\nDo it.<|im_end|>" in text
    assert '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call><|im_end|>' in text


def written_by_an_sdk() -> dict[str, Any]:
    city = {"description": "Where.", "title": "City", "type": "string"}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "additionalProperties": False,
        "properties": {"city": city, "days": {"title": "Days", "type": "integer", "minimum": 1}},
        "required": ["city"],
        "title": "get_weather",
        "type": "object",
    }
    function = {"name": "get_weather", "strict": True, "parameters": schema, "description": "Look."}
    return {"function": function, "type": "function"}


def as_brook_learned() -> dict[str, Any]:
    city = {"type": "string", "description": "Where."}
    properties = {"city": city, "days": {"type": "integer", "minimum": 1}}
    schema = {"type": "object", "properties": properties, "required": ["city"]}
    function = {"name": "get_weather", "description": "Look.", "parameters": schema}
    return {"type": "function", "function": function}


def test_functions_read_as_in_training_whoever_wrote_them(tokenizer: Any) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    text = tokenizer.apply_chat_template(hello, tools=[written_by_an_sdk()], tokenize=False)
    assert text == render(hello, [as_brook_learned()])


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": {}}, None])
def test_a_function_may_take_nothing(tokenizer: Any, schema: Any) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    tool = {"type": "function", "function": {"name": "now", "parameters": schema}}
    text = tokenizer.apply_chat_template(hello, tools=[tool], tokenize=False)
    assert '"parameters": {"type": "object", "properties": {}, "required": []}}}\n</tools>' in text


def test_a_parameter_may_be_anything(tokenizer: Any) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    function = {"name": "f", "parameters": {"properties": {"x": True, "title": {"anyOf": [{}]}}}}
    text = tokenizer.apply_chat_template(hello, tools=[{"function": function}], tokenize=False)
    assert '"properties": {"x": true, "title": {"anyOf": [{}]}}' in text


def test_encoding_by_pieces_gives_the_ids_of_the_whole_text(shipped: Path) -> None:
    fast = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    for chat in some(200):
        whole = fast.encode(render(chat.messages, chat.tools), add_special_tokens=False)
        assert encode(fast, chat).ids == whole.ids


def test_only_the_assistant_is_learned() -> None:
    chat = next(c for c in some(50) if c.kind == "tool")
    learned = [piece.text for piece in pieces(chat.messages, chat.tools) if piece.learned]
    assert len(learned) == sum(m["role"] == "assistant" for m in chat.messages)
    assert all(text.endswith("<|im_end|>") for text in learned)
