"""Numbers as people say them."""

import pytest

from penstock.protocol import flags


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8192", 8192),
        ("8k", 8000),
        ("8K", 8192),
        ("1.5k", 1500),
        ("1.001k", 1001),
        ("9007199254740993", 9007199254740993),
        ("1.5GiB", 3 << 29),
        ("1 kib", 1024),
        ("4GiB", 4 << 30),
        ("4GB", 4 * 10**9),
        ("200mb", 2 * 10**8),
        ("64 KB", 64_000),
        ("1T", 1 << 40),
        ("1t", 10**12),
        ("3G", 3 << 30),
        ("3g", 3 * 10**9),
        ("3M", 3 << 20),
        ("1TiB", 1 << 40),
        ("2m", 2_000_000),
        ("auto", None),
        ("-1", None),
    ],
)
def test_people_may_write_numbers_as_they_say_them(text: str, value: int | None) -> None:
    assert flags.human_int(text) == value


@pytest.mark.parametrize("text", ["", "eight", "8kk", "-5", "1e3", "8ib", "8b", "8kBB"])
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        flags.human_int(text)


def test_a_capital_takes_whole_numbers() -> None:
    with pytest.raises(ValueError, match=r"K is of 1024 and takes whole numbers; 1\.5k is of 1000"):
        flags.human_int("1.5K")
