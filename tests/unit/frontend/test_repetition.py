"""A repetition is found at the very token that completes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.api.fields import RepetitionDetection
from penstock.frontend.errors import ApiError
from penstock.frontend.repetition import RepetitionDetector, checked

RULES = st.builds(
    lambda low, more, count: RepetitionDetection(
        min_pattern_size=low, max_pattern_size=max(1, low + more), min_count=count
    ),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(2, 4),
)


def obvious(ids: list[int], rules: RepetitionDetection) -> int | None:
    """The shortest beginning that ends in a pattern, often enough."""
    for end in range(1, len(ids) + 1):
        for size in range(max(1, rules.min_pattern_size), rules.max_pattern_size + 1):
            need = size * rules.min_count
            tail = ids[max(0, end - need) : end]
            if len(tail) == need and tail == tail[:size] * rules.min_count:
                return end
    return None


@given(st.lists(st.integers(0, 2), max_size=40), RULES, st.integers(1, 7))
def test_it_is_what_looking_at_every_tail_finds(
    ids: list[int], rules: RepetitionDetection, cut: int
) -> None:
    detector, found = RepetitionDetector(rules), None
    for start in range(0, len(ids), cut):
        count = detector.push(ids[start : start + cut])
        if count is not None:
            found = start + count
            break
    assert found == obvious(ids, rules)


@pytest.mark.parametrize(
    "asked",
    [
        {"max_pattern_size": -1},
        {"max_pattern_size": 10**6, "min_count": 2},
        {"max_pattern_size": 2, "min_pattern_size": 3, "min_count": 2},
        {"max_pattern_size": 2, "min_pattern_size": -1, "min_count": 2},
        {"max_pattern_size": 2, "min_count": 1},
        {"max_pattern_size": 2},
    ],
)
def test_rules_that_mean_nothing_are_refused(asked: dict[str, int]) -> None:
    with pytest.raises(ApiError, match="repetition_detection") as error:
        checked(RepetitionDetection(**asked))
    assert error.value.status == 400


def test_no_pattern_size_detects_nothing() -> None:
    assert checked(RepetitionDetection(min_count=5)) is None
    assert checked(None) is None
