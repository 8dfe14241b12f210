"""Ids of calls are as a model's template wants them."""

import re

import pytest

from penstock.frontend.api.call_ids import CallIds
from penstock.frontend.formats import AnswerFormat, tool_format
from penstock.frontend.text.chat_template import ChatTemplate
from penstock.frontend.text.conversation import Conversation

ELSEWHERE = "call_[A-Za-z0-9]{24}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hermes", ELSEWHERE),
        ("qwen3_coder", ELSEWHERE),
        ("mistral", "[A-Za-z0-9]{9}"),
        ("mistral_json", "[A-Za-z0-9]{9}"),
        ("kimi_k2", r"functions\.\{look\}:3"),
    ],
)
def test_each_format_has_its_ids(name: str, expected: str) -> None:
    ids = CallIds(AnswerFormat(tool_format(name)))
    assert re.fullmatch(expected, ids(3, "{look}"))


def test_ids_differ() -> None:
    ids = CallIds(AnswerFormat(tool_format("mistral")))
    assert len({ids(0, "look") for _ in range(100)}) == 100


def test_a_template_that_counts_an_ids_letters_takes_it() -> None:
    template = ChatTemplate(
        "{% for call in messages[0].tool_calls %}{% if call.id | length != 9 %}"
        "{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}"
        "{% endif %}{{ call.id }}{% endfor %}"
    )
    call_id = CallIds(AnswerFormat(tool_format("mistral")))(0, "look")
    call = {"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert template.render(Conversation([{"role": "assistant", "tool_calls": [call]}])) == call_id
