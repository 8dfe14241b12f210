"""The text that training sees is the text that the chat template renders."""

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from brook.chat import TEMPLATE, Chat, pieces, render
from brook.corpus import chats, thoughtful
from brook.scene import Scene
from brook.tokens import encode
from tokenizers import Tokenizer
from transformers import AutoTokenizer


@pytest.fixture(scope="module")
def tokenizer(shipped: Path) -> Any:
    return AutoTokenizer.from_pretrained(shipped)


def some(count: int) -> list[Chat]:
    return [c for c in itertools.islice(chats(21), count) if c.kind != "bare"]


def thinking(count: int) -> list[Chat]:
    rng = random.Random(22)
    return [thoughtful(Scene(rng, rng.random() < 0.3, held=False)) for _ in range(count)]


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


def test_rendering_thoughts_equals_the_chat_template(tokenizer: Any) -> None:
    for chat in thinking(150):
        theirs = tokenizer.apply_chat_template(
            chat.messages, tools=chat.tools or None, tokenize=False
        )
        assert theirs == render(chat.messages, chat.tools)


def test_a_thought_is_asked_for_by_enable_thinking_alone(tokenizer: Any) -> None:
    for chat in thinking(30):
        asked, tools = chat.messages[:-1], chat.tools
        theirs = {
            wanted: tokenizer.apply_chat_template(
                asked,
                tools=tools or None,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=wanted,
            )
            for wanted in (True, False)
        }
        assert theirs[False] == render(asked, tools, prompt=True)
        assert theirs[True] == render(asked, tools, prompt=True, thinking=True)
        assert theirs[True] == theirs[False] + "<think>\n"


def test_learning_starts_where_the_generation_prompt_for_a_thought_ends() -> None:
    for chat in thinking(30):
        before = list(pieces(chat.messages, chat.tools))[:-2]
        text = "".join(piece.text for piece in before)
        assert text == render(chat.messages[:-1], chat.tools, prompt=True, thinking=True)


def test_thoughts_of_earlier_turns_are_not_shown_again(tokenizer: Any) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {}}}
    messages = [
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "1", "reasoning_content": "old"},
        {"role": "user", "content": "Two."},
        {"role": "assistant", "content": "", "reasoning_content": "new", "tool_calls": [call]},
        {"role": "tool", "content": "2"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == render(messages, [], prompt=True)
    assert "old" not in text
    assert "<|im_start|>assistant\n<think>\nnew\n</think>\n\n<tool_call>\n" in text


@pytest.mark.parametrize("raw", ["<think>\nold\n</think>\n\n1", "old\n</think>\n\n1"])
def test_a_thought_that_came_back_inside_the_content_is_not_shown_again(
    tokenizer: Any, raw: str
) -> None:
    said = [{"role": "user", "content": "One."}, {"role": "assistant", "content": raw}]
    text = tokenizer.apply_chat_template([*said, said[0]], tokenize=False)
    assert "<|im_start|>assistant\n1<|im_end|>" in text
    assert "old" not in text


def test_answers_without_a_thought_are_shown_as_they_were_said(tokenizer: Any) -> None:
    said = [{"role": "user", "content": "One."}, {"role": "assistant", "content": "\n\n1"}]
    text = tokenizer.apply_chat_template([*said, said[0]], tokenize=False)
    assert "<|im_start|>assistant\n\n\n1<|im_end|>" in text


def test_encoding_thoughts_by_pieces_gives_the_ids_of_the_whole_text(shipped: Path) -> None:
    fast = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    for chat in thinking(150):
        whole = fast.encode(render(chat.messages, chat.tools), add_special_tokens=False)
        assert encode(fast, chat).ids == whole.ids
