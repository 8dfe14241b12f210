"""Thinking first, then the constraint; and a budget, with a constraint or without."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.grammars import BROOK, EOS, allowed, drawn, guide_of, ids_of, text_of

from penstock.protocol.constraint import Constraint, Thinking
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.thinking import Phase, ThinkingTracker

THINK, THOUGHT = (10,), (11,)
DIGITS = Constraint("regex", "[0-9]{2,4}")


def spelled(text: str, **fields: object) -> Thinking:
    return Thinking((), (tuple(ids_of(text)),), begins_inside=True, **fields)  # type: ignore[arg-type]


def push_all(guide: object, text: str) -> None:
    for token in ids_of(text):
        guide.push(token)  # type: ignore[attr-defined]


def test_inside_anything_may_be_said_but_the_end_of_the_answer() -> None:
    guide = guide_of(DIGITS, Thinking(THINK, (THOUGHT,), begins_inside=True))
    assert set(allowed(guide)) == set(range(3072)) - set(EOS)
    push_all(guide, "well, 1 or so")
    guide.push(THOUGHT[0])
    assert guide.phase is Phase.OPENING
    assert all(text_of([token]).isdigit() for token in allowed(guide))


def test_an_answer_that_does_not_begin_with_thinking_is_held_at_once() -> None:
    guide = guide_of(DIGITS, Thinking(THINK, (THOUGHT,)))
    assert THINK[0] in allowed(guide)
    assert all(text_of([token]).isdigit() for token in allowed(guide) if token != THINK[0])
    push_all(guide, "1")
    assert guide.phase is Phase.ANSWERING
    assert THINK[0] not in allowed(guide)


def test_one_that_does_is_held_once_it_has_thought() -> None:
    guide = guide_of(DIGITS, Thinking(THINK, (THOUGHT,)))
    for token in (*THINK, *ids_of("hm 77"), *THOUGHT, *ids_of("12")):
        assert token in allowed(guide)
        guide.push(token)
    assert set(EOS) <= set(allowed(guide))


def test_a_start_of_several_tokens_may_turn_out_to_be_an_answer() -> None:
    start = tuple(ids_of("1")) + tuple(ids_of("2")) + THINK
    guide = guide_of(DIGITS, Thinking(start, (THOUGHT,)))
    for text in ("1", "2"):
        push_all(guide, text)
    assert guide.phase is Phase.OPENING
    assert THINK[0] in allowed(guide)
    assert set(EOS) <= set(allowed(guide))
    push_all(guide, "3")
    assert guide.phase is Phase.ANSWERING
    other = guide_of(DIGITS, Thinking(start, (THOUGHT,)))
    for token in (*start, *ids_of("x"), *THOUGHT):
        other.push(token)
    assert all(text_of([token]).isdigit() for token in allowed(other))


def test_a_start_that_fits_no_answer_must_be_completed() -> None:
    start = (*THINK, 12)
    guide = guide_of(DIGITS, Thinking(start, (THOUGHT,)))
    guide.push(THINK[0])
    assert allowed(guide) == [12]


@pytest.mark.parametrize("budget", [0, 1, 5])
@pytest.mark.parametrize("constraint", [DIGITS, None])
def test_a_spent_budget_forces_the_end(budget: int, constraint: Constraint | None) -> None:
    end = (11, 12, 13)
    guide = guide_of(constraint, Thinking(THINK, (end,), budget=budget))
    for token in (*THINK, *ids_of("abcdefghij")[:budget]):
        guide.push(token)
    for token in end:
        assert guide.phase is Phase.CLOSING
        assert allowed(guide) == [token]
        guide.push(token)
    assert guide.phase is Phase.OPENING
    assert (len(allowed(guide)) < 3072) == (constraint is not None)


def test_no_budget_is_no_bound() -> None:
    guide = guide_of(None, Thinking(THINK, (THOUGHT,), begins_inside=True))
    for _ in range(500):
        guide.push(77)
    assert guide.phase is Phase.INSIDE


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["</thought>", "\n\nHere is my response:"]))
def test_an_end_is_found_however_it_is_spelled(seed: int, end: str) -> None:
    """Single bytes, or any longer tokens, or tokens that go on behind it."""
    dice = random.Random(seed)
    spelling = [token for piece in _cut(f"so: {end}", dice) for token in ids_of(piece)]
    tracker = ThinkingTracker(spelled(end), BROOK.bytes_of)
    for place, token in enumerate(spelling, 1):
        assert tracker.phase is Phase.INSIDE, place
        tracker.push(token)
    assert tracker.phase is not Phase.INSIDE


def _cut(text: str, dice: random.Random) -> list[str]:
    places = sorted({0, len(text), *dice.sample(range(len(text)), dice.randint(0, 6))})
    return [text[a:b] for a, b in itertools.pairwise(places)]


def test_what_a_token_says_behind_the_end_belongs_to_the_answer() -> None:
    two_lines = next(i for i in range(3072) if BROOK.bytes_of(i) == b"\n\n")
    newline = ThinkingTracker(spelled("so\n"), BROOK.bytes_of)
    guide = guide_of(DIGITS, spelled("so\n"))
    for token in (*ids_of("so"), two_lines):
        newline.push(token)
        guide.push(token)
    assert (newline.phase, newline.rest) == (Phase.OPENING, b"\n")
    assert all(text_of([token]).isdigit() for token in allowed(guide))


def test_what_cannot_begin_the_answer_there_is_an_error() -> None:
    dots = next(i for i in range(3072) if BROOK.bytes_of(i) == b"..")
    guide = guide_of(DIGITS, spelled("so."))
    for token in ids_of("so"):
        guide.push(token)
    with pytest.raises(GrammarError):
        guide.push(dots)


def test_the_same_tokens_lead_to_the_same_place_again() -> None:
    thinking = Thinking(THINK, (THOUGHT,), budget=9)
    for seed in range(5):
        guide = guide_of(DIGITS, thinking)
        said = [*drawn(guide, seed)]
        for length in range(len(said)):
            replayed = guide_of(DIGITS, thinking)
            for token in said[:length]:
                replayed.push(token)
            assert said[length] in allowed(replayed)


@pytest.mark.parametrize("before", [b"\n", b" ", b"\n\n", b"\n \n"])
def test_blanks_before_the_start_are_no_way_around_a_budget(before: bytes) -> None:
    guide = guide_of(None, Thinking(THINK, (THOUGHT,), budget=2))
    for token in (*ids_of(before.decode()), *THINK, 77, 78):
        guide.push(token)
    assert allowed(guide) == [*THOUGHT]


@pytest.mark.parametrize(("first", "then"), [((), (78, 79)), ((*THINK, 77), (78,))])
def test_nor_is_thinking_once_more(first: tuple[int, ...], then: tuple[int, ...]) -> None:
    """Whether it was thought before or only ended: as long as nothing has been said, it may begin."""
    guide = guide_of(None, Thinking(THINK, (THOUGHT,), budget=2))
    for token in (*first, *THOUGHT, *ids_of("\n"), *THINK, *then):
        guide.push(token)
    assert allowed(guide) == [*THOUGHT]
    for token in (*THOUGHT, *ids_of("well"), *THINK):
        guide.push(token)
    assert guide.phase is Phase.ANSWERING


def test_thinking_once_more_begins_the_answer_anew() -> None:
    guide = guide_of(Constraint("regex", "\\(?[0-9]{2}"), Thinking(THINK, (THOUGHT,)))
    for token in (*THINK, 77, *THOUGHT, *THINK, 78, *THOUGHT):
        assert token in allowed(guide)
        guide.push(token)
    assert THINK[0] in allowed(guide)
    push_all(guide, "12")
    assert set(EOS) <= set(allowed(guide))


def test_any_of_several_ends_is_one_and_the_first_is_forced() -> None:
    ends = tuple(tuple(ids_of(f"Here{how} is it:")) for how in (" now", "after"))
    for end in ends:
        guide = guide_of(DIGITS, Thinking((), ends, begins_inside=True))
        for token in (*ids_of("so. "), *end):
            assert guide.phase is Phase.INSIDE
            guide.push(token)
        assert all(text_of([token]).isdigit() for token in allowed(guide))
    spent = guide_of(DIGITS, Thinking((), ends, begins_inside=True, budget=0))
    for token in ends[0]:
        assert allowed(spent) == [token]
        spent.push(token)
    assert spent.phase is Phase.OPENING


@pytest.mark.parametrize("opener", ["!", "<call>"])
@pytest.mark.parametrize("further", ["", "1"])
def test_what_begins_the_answer_within_thinking_is_held_to_the_constraint(
    opener: str, further: str
) -> None:
    start = tuple(ids_of(opener))
    thinking = Thinking((), (THOUGHT,), begins_inside=True, answer_starts=(start,))
    guide = guide_of(Constraint("regex", f"{opener}[0-9]{{2}}"), thinking)
    for token in (*ids_of("hm"), *start, *ids_of(further)):
        guide.push(token)
    assert guide.phase is Phase.ANSWERING
    assert all(text_of([token]).isdigit() for token in allowed(guide))
    push_all(guide, "12"[len(further) :])
    assert set(EOS) <= set(allowed(guide))


OTHER_START, SHARED_START = tuple(ids_of("<go>")), (*THINK, 99)
PREFACE = (*THINK, 12)


def many(**fields: object) -> Thinking:
    """Its starts and its preface begin alike, as channels do."""
    starts = {"other_starts": (OTHER_START,), "prefaces": (PREFACE, (13, 14))}
    return Thinking(SHARED_START, (THOUGHT,), **{**starts, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [SHARED_START, OTHER_START])
def test_thinking_begins_with_any_of_its_starts(start: tuple[int, ...]) -> None:
    guide = guide_of(DIGITS, many())
    for token in start:
        assert token in allowed(guide)
        guide.push(token)
    assert guide.phase is Phase.INSIDE
    push_all(guide, "so")
    guide.push(THOUGHT[0])
    push_all(guide, "12")
    assert set(EOS) <= set(allowed(guide))


@pytest.mark.parametrize("before", [(), (*SHARED_START, 77, *THOUGHT)])
@pytest.mark.parametrize("preface", [PREFACE, (13, 14), (*PREFACE, 13, 14)])
def test_the_constraint_holds_behind_what_stands_before_an_answer(
    before: tuple[int, ...], preface: tuple[int, ...]
) -> None:
    guide = guide_of(DIGITS, many())
    for token in (*before, *preface):
        assert token in allowed(guide)
        guide.push(token)
    assert all(
        text_of([token]).isdigit() for token in set(allowed(guide)) - {THINK[0], 13, OTHER_START[0]}
    )
    push_all(guide, "12")
    assert guide.phase is Phase.ANSWERING
    assert 13 not in allowed(guide)
    assert set(EOS) <= set(allowed(guide))


def test_who_has_thought_is_not_asked_to_think_again() -> None:
    guide = guide_of(DIGITS, many())
    assert {OTHER_START[0], THINK[0], 13} <= set(allowed(guide))
    for token in (*OTHER_START, 77, *THOUGHT):
        guide.push(token)
    assert OTHER_START[0] not in allowed(guide)
    guide.push(PREFACE[0])
    assert allowed(guide) == [PREFACE[1]]


@pytest.mark.parametrize("between", [(), PREFACE, (*PREFACE, 13, 14, *PREFACE)])
@pytest.mark.parametrize("start", [SHARED_START, OTHER_START])
def test_what_says_nothing_is_no_way_around_a_budget(
    between: tuple[int, ...], start: tuple[int, ...]
) -> None:
    guide = guide_of(None, many(budget=3))
    for token in (*between, *start, 77, *THOUGHT, *between, *start, 78, 79):
        assert guide.phase is not Phase.CLOSING
        guide.push(token)
    assert allowed(guide) == [*THOUGHT]


def test_an_answer_may_share_its_beginning_with_a_preface() -> None:
    start, preface = tuple(ids_of("<go>")), tuple(ids_of("12a"))
    thinking = Thinking(start, (THOUGHT,), prefaces=(preface,))
    guide = guide_of(DIGITS, thinking)
    push_all(guide, "12")
    assert guide.phase is Phase.OPENING
    assert {preface[-1], *EOS} <= set(allowed(guide))
    guide.push(EOS[0])
    assert set(EOS) <= set(allowed(guide))
    prefaced = guide_of(DIGITS, thinking)
    push_all(prefaced, "12a")
    assert not set(EOS) & set(allowed(prefaced))
    push_all(prefaced, "34")
    assert set(EOS) <= set(allowed(prefaced))
