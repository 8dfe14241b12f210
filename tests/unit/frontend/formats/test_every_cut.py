"""However an answer is cut into pieces, joined it says the same; and whatever it is, nothing raises."""

import random
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.answer_samples import TOOLS, TWO_CALLS
from support.answers import cut, parsed

from penstock.frontend.formats import AnswerFormat, ToolSpec
from penstock.frontend.formats.reasoning_formats import KNOWN as REASONING
from penstock.frontend.formats.tape import MAX_HELD
from penstock.frontend.formats.tool_formats import KNOWN as TOOL

SPECS = [ToolSpec(name, parameters) for name, parameters in TOOLS.items()]
NUM_RANDOM_TEXTS = 100_000
_SCRAPS = (
    "\n", " ", "  \n\n", '"', "'", "{", "}", "[", "]", "(", ")", ":", ",", "=", "\\", "\\u00e9", "<", "</",
    "look", "wait", "at", "times", "Hello", "1.5", "-2e3", "true", "None", "null", '{"name": "look", ',
    '"arguments": {', '"parameters": {}', '"at": "x"', "at='x'", "é", "\x00", "🙂",
    "\\ud800", "\\ud83d\\ude42", '"lo\\ud800ok"', '{"name": "look", "arguments": "{\\"at\\": \\"\\udc00\\"}"}',
)  # fmt: skip


def formats(rng: random.Random) -> AnswerFormat:
    return AnswerFormat(rng.choice(TOOL), rng.choice((*REASONING, None)))


def scraps(answers: AnswerFormat) -> list[str]:
    """What is likely to lead such a parser astray."""
    assert answers.tools is not None
    sample = TWO_CALLS[answers.tools.name]
    third = len(sample) // 3
    return [
        *_SCRAPS,
        *answers.markers,
        sample,
        sample[:third],
        sample[third:-third],
        sample[-third:],
    ]


def check(answers: AnswerFormat, text: str, pieces: list[str], in_reasoning: bool) -> None:
    whole = parsed(answers.parser(SPECS, in_reasoning), [text])
    assert parsed(answers.parser(SPECS, in_reasoning), pieces) == whole


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("number", range(len(TOOL)), ids=[each.name for each in TOOL])
def test_pieces_say_what_the_whole_says(number: int, data: st.DataObject) -> None:
    answers = AnswerFormat(TOOL[number], data.draw(st.sampled_from((*REASONING, None))))
    scrap = st.sampled_from(scraps(answers)) | st.text(max_size=3)
    pieces = data.draw(st.lists(scrap, max_size=12))
    text = "".join(pieces)
    rng = data.draw(st.randoms(use_true_random=False))
    in_reasoning = data.draw(st.booleans())
    check(answers, text, cut(text, rng), in_reasoning)
    check(answers, text, list(text), in_reasoning)


def random_text(answers: AnswerFormat, rng: random.Random) -> str:
    return "".join(rng.choices(scraps(answers), k=rng.randrange(12)))


def test_no_random_text_raises() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        answers = formats(rng)
        text = random_text(answers, rng)
        check(answers, text, cut(text, rng), rng.random() < 0.3)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_of_a_hundred_thousand_random_texts_none_raises() -> None:
    rng = random.Random(5)
    for _ in range(NUM_RANDOM_TEXTS):
        answers = formats(rng)
        text = random_text(answers, rng)
        check(answers, text, cut(text, rng), rng.random() < 0.3)


@pytest.mark.parametrize("number", range(len(TOOL)), ids=[each.name for each in TOOL])
def test_hostile_texts_take_steps_by_their_length(number: int) -> None:
    """Four times the text takes four times the steps, nowhere near the sixteen of what goes with the square."""
    answers = AnswerFormat(TOOL[number])
    half = TWO_CALLS[TOOL[number].name]
    for scrap in (*scraps(answers), half[: len(half) // 2] + " "):
        few, many = (num_steps(answers, scrap * (size // len(scrap))) for size in (500, 2000))
        assert many < 6 * few + 1000, scrap


def num_steps(answers: AnswerFormat, text: str) -> int:
    """How often anything was called."""
    count = 0

    def tick(*_: object) -> None:
        nonlocal count
        count += 1

    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    parser = answers.parser(SPECS)
    sys.setprofile(tick)
    try:
        for piece in pieces:
            parser.push(piece)
        parser.close()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(TOOL)), ids=[each.name for each in TOOL])
def test_hostile_texts_take_time_by_their_length(number: int) -> None:
    answers = AnswerFormat(TOOL[number])
    for scrap in scraps(answers):
        times = [best_s(answers, scrap * (size // len(scrap))) for size in (10_000, 80_000)]
        assert times[1] < 20 * times[0] + 0.05, scrap


def best_s(answers: AnswerFormat, text: str) -> float:
    """In one piece and in small ones."""
    pieces = [text, *(text[at : at + 97] for at in range(0, len(text), 97))]
    found = []
    for _ in range(3):
        began = time.process_time()
        parsed(answers.parser(SPECS), pieces)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("size", [1000, 64_000])
def test_what_is_too_long_to_be_a_call_is_text_however_it_is_cut(size: int) -> None:
    answers = AnswerFormat(next(each for each in TOOL if each.name == "hermes"))
    text = '<tool_call>{"id": "' + "x" * (MAX_HELD + 5) + '", "name": "look"}</tool_call>'
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    whole = parsed(answers.parser(SPECS), [text])
    assert parsed(answers.parser(SPECS), pieces) == whole == ("", text, [])


@pytest.mark.parametrize("size", [1000, 64_000])
def test_a_value_too_long_to_be_held_is_a_string(size: int) -> None:
    answers = AnswerFormat(next(each for each in TOOL if each.name == "qwen3_coder"))
    value = "[" + "1," * MAX_HELD + "1]"
    text = f"<tool_call>\n<function=jump>\n<parameter=far>\n{value}\n</parameter>\n</function>\n</tool_call>"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    whole = parsed(answers.parser(SPECS), [text])
    assert parsed(answers.parser(SPECS), pieces) == whole
    assert whole == ("", "", [("jump", f'{{"far": "{value}"}}')])
