"""Thoughts are right, short, and lead to the answer that follows them."""

import random
import re
from pathlib import Path

import pytest
from brook import thoughts
from brook.corpus import thoughtful
from brook.scene import Scene
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

EQUATION = re.compile(r"([\d+*\-× ]+) = (\d+)")
OPERATORS = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "×": int.__mul__}
LOW, HIGH = st.integers(0, 99), st.integers(10, 99)


def value(expression: str) -> int:
    """A chain of one kind of operation, from the left."""
    first, *rest = expression.split()
    total = int(first)
    for sign, number in zip(rest[::2], rest[1::2], strict=True):
        total = OPERATORS[sign](total, int(number))
    return total


def holds(thought: str, answer: int) -> bool:
    """Whether every equation is right and the last number is the answer."""
    equations = EQUATION.findall(thought)
    last = re.findall(r"\d+", thought)[-1]
    return bool(equations) and all(value(a) == int(b) for a, b in equations) and int(last) == answer


@given(a=LOW, b=LOW, zh=st.booleans())
def test_a_thought_about_a_sum_is_right(a: int, b: int, zh: bool) -> None:
    assert holds(thoughts.addition(a, b, zh), a + b)


@given(a=LOW, b=LOW, zh=st.booleans())
def test_a_thought_about_a_difference_is_right(a: int, b: int, zh: bool) -> None:
    a, b = max(a, b), min(a, b)
    assert holds(thoughts.subtraction(a, b, zh), a - b)


@given(a=st.integers(1, 12), b=st.integers(1, 12), zh=st.booleans())
def test_a_thought_about_a_product_is_right(a: int, b: int, zh: bool) -> None:
    assert holds(thoughts.product(a, b, zh), a * b)


def test_carrying_is_said_where_something_is_carried() -> None:
    assert thoughts.addition(47, 38, zh=False) == (
        "7 + 8 = 15, write 5, carry 1; 4 + 3 + 1 = 8; 85"
    )
    assert thoughts.addition(41, 38, zh=False) == "1 + 8 = 9; 4 + 3 = 7; 79"


def test_counting_and_sorting_think_of_ends_and_number() -> None:
    assert thoughts.counting(9, 4, zh=False) == "Down from 9 to 4: 6 numbers."
    assert thoughts.sorting([5, 3, 8], zh=False) == "3 numbers, smallest 3, largest 8."
    assert thoughts.numbered(["tea", "cup"]) == "1 tea 2 cup"
    assert thoughts.alphabetical(["tea", "cup"]) == "First letters: c, t."


def test_a_form_is_thought_of_field_by_field() -> None:
    answer = {"name": "Mira", "likes": ["tea", "cats"], "free": False, "age": 3, "city": "Oslo"}
    assert thoughts.fields(answer, zh=False) == "name: Mira; likes: tea, cats; free: false; 2 more"


def test_a_call_is_thought_of_with_its_arguments() -> None:
    call = {"function": {"name": "set_light", "arguments": {"room": "hall", "on": True}}}
    assert thoughts.calling([call], zh=False) == "I call set_light: room = hall, on = true"


@pytest.mark.parametrize(
    ("given_back", "thought"),
    [
        ('{"status": "ok"}', "It worked."),
        ('{"temperature": -5, "condition": "sunny"}', "The result: -5."),
        ("4:07", "The result: 4:07."),
    ],
)
def test_a_result_is_thought_of_by_its_numbers(given_back: str, thought: str) -> None:
    assert thoughts.result(given_back, zh=False) == thought


def test_a_name_that_nobody_gave_is_not_thought_of() -> None:
    assert thoughts.named("Mira", zh=False) == "The user is called Mira."
    assert thoughts.named("", zh=False) == "No name was given."


def test_thoughts_are_at_most_forty_tokens(shipped: Path) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    rng = random.Random(23)
    chats = [thoughtful(Scene(rng, rng.random() < 0.3, held=False)) for _ in range(300)]
    said = [m["reasoning_content"] for c in chats for m in c.messages if "reasoning_content" in m]
    lengths = sorted(len(tokenizer.encode(thought).ids) for thought in said)
    assert lengths[0] > 0
    assert lengths[-len(lengths) // 100] <= 40
