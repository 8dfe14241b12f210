"""Stop strings are found wherever pieces end, and nothing is held back without need."""

import random
from itertools import pairwise

import pytest

from penstock.frontend.text.stop_strings import StopStrings


def whole(stops: tuple[str, ...], text: str, include: bool) -> tuple[str, str | None]:
    """Slow and obvious: look at every beginning of the text."""
    for end in range(1, len(text) + 1):
        for stop in stops:
            if text[:end].endswith(stop):
                return text[: end if include else end - len(stop)], stop
    return text, None


def in_pieces(stops: tuple[str, ...], pieces: list[str], include: bool) -> tuple[str, str | None]:
    search = StopStrings(stops, include)
    shown = ""
    for piece in pieces:
        text, stop = search.push(piece)
        shown += text
        if stop is not None:
            return shown, stop
    return shown + search.flush(), None


def cut(text: str, rng: random.Random) -> list[str]:
    ends = sorted({0, len(text), *(rng.randrange(len(text) + 1) for _ in range(rng.randrange(6)))})
    return [text[a:b] for a, b in pairwise(ends)]


@pytest.mark.parametrize("include", [True, False])
def test_every_split_finds_what_the_whole_text_holds(include: bool) -> None:
    rng = random.Random(1)
    for _ in range(5000):
        text = "".join(rng.choices("ab€", k=rng.randrange(1, 20)))
        stops = tuple(
            "".join(rng.choices("ab€", k=rng.randrange(1, 6))) for _ in range(rng.randrange(1, 4))
        )
        assert in_pieces(stops, cut(text, rng), include) == whole(stops, text, include)


def test_only_what_may_become_a_stop_string_is_held_back() -> None:
    search = StopStrings(("\n\nUser:",))
    assert search.push("Hello\n") == ("Hello", None)
    assert search.push("\n") == ("", None)
    assert search.push("Us") == ("", None)
    assert search.push("ual") == ("\n\nUsual", None)
    assert search.push("\n\nUser: no") == ("", "\n\nUser:")
    assert search.push("more") == ("", None)


def test_nothing_is_held_back_when_the_stop_string_is_shown_anyway() -> None:
    search = StopStrings(("END",), include_in_output=True)
    assert search.push("the EN") == ("the EN", None)
    assert search.push("D and") == ("D", "END")


def test_a_stop_string_counts_by_where_it_ends() -> None:
    search = StopStrings(("STOP",))
    assert search.push("STOP ST", armed=False) == ("STOP ", None)
    assert search.push("OP") == ("", "STOP")


def test_a_long_repetitive_stop_string_is_not_slow() -> None:
    """Quadratic search would need 10**10 comparisons here."""
    search = StopStrings(("a" * 100_000 + "b",))
    shown, stop = search.push("a" * 200_000)
    assert (len(shown), stop) == (100_000, None)
    assert search.push("c").text == "a" * 100_000 + "c"
