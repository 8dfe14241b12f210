"""Answers to held-out prompts are judged by what follows the thought, and by whether there is one."""

import re

import pytest
from brook.cases import Case, answer_after, held_out


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return held_out(3, 8)


def in_domain(cases: list[Case], domain: str) -> list[Case]:
    return [case for case in cases if case.domain == domain]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so and so\n</think>\n\n85.", "85."),
        ("so and so\n", ""),
        ("\n</think>\n\n85.", ""),
        ("one\n</think>\n\n<think>\ntwo\n</think>\n\n85.", ""),
    ],
)
def test_an_answer_counts_after_one_whole_thought(text: str, answer: str) -> None:
    assert answer_after(text) == answer


def test_a_sum_after_a_thought_is_judged_without_the_thought(cases: list[Case]) -> None:
    for case in in_domain(cases, "addition after a thought"):
        total = next(n for n in range(200) if case.passes(f"a thought\n</think>\n\n{n}."))
        assert not case.passes(f"{total}.")
        assert not case.passes(f"it is {total}\n</think>\n\n{total + 1}.")


@pytest.mark.parametrize(("domain", "sign"), [("difference", "-"), ("product", "*")])
def test_a_calculation_is_judged_by_its_last_number(
    cases: list[Case], domain: str, sign: str
) -> None:
    for case in in_domain(cases, domain):
        a, b = map(int, re.findall(r"\d+", case.messages[-1]["content"]))
        right = a * b if sign == "*" else abs(a - b)
        assert case.passes(f"{a} {sign} {b} = {right}.")
        assert not case.passes(f"{a} {sign} {b} = {right + 1}.")


def test_thoughts_are_asked_for_where_they_are_judged(cases: list[Case]) -> None:
    thinking = {case.domain for case in cases if case.thinking}
    assert thinking == {
        "thought",
        "addition after a thought",
        "tool after a thought",
        "json after a thought",
    }


def test_a_thought_that_nobody_asked_for_fails(cases: list[Case]) -> None:
    for case in in_domain(cases, "no thought"):
        assert case.passes("85.")
        assert not case.passes("<think>\nhm\n</think>\n\n85.")


def test_a_thought_must_close_and_be_followed_by_an_answer(cases: list[Case]) -> None:
    for case in in_domain(cases, "thought"):
        assert case.passes("hm\n</think>\n\n85.")
        assert not case.passes("hm")
        assert not case.passes("hm\n</think>\n\n")


def test_the_older_domains_have_the_cases_that_they_had_before_thoughts(cases: list[Case]) -> None:
    first = [case.domain for case in cases[:48]]
    assert first == [
        d for d in ("addition", "name", "tool", "json", "no call", "result") for _ in range(8)
    ]
