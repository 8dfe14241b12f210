"""The corpus is the same for the same seed, keeps its held-out side apart, and is well formed."""

import itertools
import random
import re

import pytest
from brook import names, tool_calls, wishes
from brook.cases import held_out
from brook.chat import Chat, render
from brook.corpus import MIX, chats
from brook.scene import Scene, is_held
from brook.schema import call_ok, matches, parsed

TOLD = re.compile(
    r"(?:[Mm]y name is|Call me|call me) ([A-Z]\w+)[ .,]|我叫([\u4e00-\u9fff]{2,3})[，。]"
)


def some(seed: int, count: int, held: bool = False) -> list[Chat]:
    return list(itertools.islice(chats(seed, held=held), count))


def user_texts(made: list[Chat]) -> list[str]:
    return [m["content"] for chat in made for m in chat.messages if m["role"] == "user"]


def test_the_same_seed_gives_the_same_chats() -> None:
    assert some(3, 200) == some(3, 200)
    assert some(3, 50) != some(4, 50)


def brooks_words(made: list[Chat]) -> list[str]:
    answers = [m for chat in made for m in chat.messages if m["role"] == "assistant"]
    return [text for m in answers for text in (m["content"], m.get("reasoning_content", ""))]


def test_every_part_of_the_mix_turns_up() -> None:
    kinds = {chat.kind for chat in some(1, 400)}
    assert kinds == {"talk", "name", "add", "exercise", "tool", "json", "bare", "echo"}
    assert all(weight > 0 for _, weight in MIX.values())


def test_training_never_shows_a_held_out_sum() -> None:
    sums = [
        s
        for text in brooks_words(some(5, 4000))
        for s in re.findall(r"(?<![*/+-] )(?<!\d)(\d\d) \+ (\d\d) =", text)
    ]
    shown = {(a, b) for a, b in sums if int(b) >= 10 and int(a) >= 10}
    assert len(shown) > 1500
    assert not [pair for pair in shown if is_held(f"{pair[0]}+{pair[1]}")]


def test_a_fifth_of_the_chats_or_more_think_and_the_rest_never_do() -> None:
    made = some(12, 1000)
    thinking = [c for c in made if "reasoning_content" in c.messages[-1]]
    assert 200 < len(thinking) < 400
    others = [c for c in made if c not in thinking]
    assert not [text for text in brooks_words(others) if "think>" in text]
    assert not [m for c in others for m in c.messages if "reasoning_content" in m]


def test_some_chats_that_think_have_lost_their_earlier_thoughts() -> None:
    loops = [
        [m for m in c.messages if m.get("tool_calls")]
        for c in some(13, 1500)
        if c.messages[-1].get("reasoning_content") and c.messages[-2]["role"] == "tool"
    ]
    kept = ["reasoning_content" in calls[-1] for calls in loops]
    assert 0 < sum(kept) < len(kept)


def test_training_never_gives_a_held_out_name() -> None:
    told = [m for text in user_texts(some(6, 3000)) for m in TOLD.findall(text)]
    given = {en or zh for en, zh in told}
    assert len(given) > 100
    assert not [name for name in given if is_held(name)]


def test_held_out_cases_are_on_the_held_out_side() -> None:
    cases = held_out(7, 30)
    for case in cases:
        text = case.messages[-1]["content"]
        if case.domain == "addition":
            assert is_held("+".join(re.findall(r"\d+", text)))
    train = {render(c.messages, c.tools, prompt=True) for c in some(8, 3000)}
    assert not train & {render(c.messages, c.tools, prompt=True) for c in cases}


def test_every_tool_call_matches_the_schema_of_its_function() -> None:
    calls = [
        (call["function"], chat.tools)
        for chat in some(9, 2000)
        for message in chat.messages
        for call in message.get("tool_calls", [])
    ]
    assert len(calls) > 200
    for function, tools in calls:
        assert call_ok({"name": function["name"], "arguments": function["arguments"]}, tools)


def test_every_json_answer_is_valid_under_its_schema() -> None:
    answered = [c for c in some(10, 2000) if c.kind == "json" and "schema" in c.expect]
    assert len(answered) > 200
    for chat in answered:
        value = parsed(chat.messages[-1]["content"])
        assert matches(value, chat.expect["schema"])
        assert value == chat.expect["answer"]


def test_most_chats_fit_the_context() -> None:
    lengths = [len(render(c.messages, c.tools)) for c in some(11, 500)]
    assert sorted(lengths)[len(lengths) // 2] < 1200


def test_names_come_from_a_large_pool() -> None:
    assert len(names.START) * len(names.MIDDLE) * len(names.END) > 100_000


@pytest.mark.parametrize("zh", [False, True])
def test_a_pair_of_places_is_called_and_told_in_the_order_asked(zh: bool) -> None:
    rng = random.Random(14)
    for _ in range(50):
        *_, asked, called, first, second, told = tool_calls.in_pairs(Scene(rng, zh, False)).messages
        [a, b] = [
            value
            for call in called["tool_calls"]
            for value in call["function"]["arguments"].values()
        ]
        assert asked["content"].index(a) <= asked["content"].rindex(b)
        assert [m["tool_call_id"] for m in (first, second)] == [
            c["id"] for c in called["tool_calls"]
        ]
        assert told["content"].index(a) <= told["content"].rindex(b)


def test_a_recital_says_every_letter_again() -> None:
    scene = Scene(random.Random(15), zh=False, held=False)
    words = {wishes.letters(scene) for _ in range(100)}
    assert len(words) > 90
    assert all(word.isalpha() and word.istitle() for word in words)
    for _ in range(50):
        wishes.recital(scene)
        asked, said = scene.messages[-2:]
        assert asked["content"].endswith(said["content"])
