"""Bad words are kept away wherever they stand."""

from penstock.frontend.token_params import bad_words

VOCABULARY = {"cat": [1, 2], " cat": [3], "dog": [4], " dog": [5], "x": [6], " x": [7, 6]}


def test_a_word_is_bad_at_the_start_and_behind_a_space() -> None:
    assert bad_words(["dog"], VOCABULARY.__getitem__, 10) == ((4,), (5,))


def test_so_is_one_that_takes_fewer_tokens_behind_a_space() -> None:
    assert bad_words(["cat"], VOCABULARY.__getitem__, 10) == ((1, 2), (3,))


def test_a_space_that_is_a_token_of_its_own_adds_nothing() -> None:
    assert bad_words(["x", " x"], VOCABULARY.__getitem__, 10) == ((6,), (6,))
