"""Texts that are far too long are refused by their beginning; those that fit never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.errors import ApiError
from penstock.frontend.oversize import CHARS_PER_TOKEN, check_length

MOST = 50


class Words:
    """One token a word, however long; remembers how much it was given."""

    def __init__(self) -> None:
        self.num_chars = 0

    def __call__(self, text: str, add_special_tokens: bool) -> list[int]:
        self.num_chars = max(self.num_chars, len(text))
        return [1 for _ in text.split()]


def test_of_a_giant_only_the_beginning_is_looked_at() -> None:
    encode = Words()
    with pytest.raises(ApiError, match=f"more than {MOST} input tokens") as raised:
        check_length("ab " * 1_000_000, MOST, encode)
    assert (raised.value.status, raised.value.param) == (400, "input_tokens")
    assert encode.num_chars == CHARS_PER_TOKEN * MOST


def test_long_words_may_yet_fit() -> None:
    check_length("a" * 1_000_000, MOST, Words())
    check_length(("a" * 30 + " ") * MOST, MOST, Words())


@given(st.lists(st.text("ab", min_size=1, max_size=40), max_size=80))
def test_what_fits_is_never_refused(words: list[str]) -> None:
    text, encode = " ".join(words), Words()
    if len(encode(text, False)) <= MOST:
        check_length(text, MOST, encode)
