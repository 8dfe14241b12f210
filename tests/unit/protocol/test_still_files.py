"""Files are news once they were left alone for a while; several are one."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.protocol.still_files import StillFiles

STILL_S = 1.0


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path in (cert, key):
        path.write_text("old")
    return cert, key


def watched(pair: tuple[Path, Path]) -> StillFiles:
    return StillFiles([str(path) for path in pair], STILL_S)


def test_one_after_the_other_is_one_change(pair: tuple[Path, Path]) -> None:
    files, (cert, key) = watched(pair), pair
    cert.write_text("newer")
    assert not files.have_news(10.0)
    key.write_text("newer")
    assert not files.have_news(10.9), "the key is as new as that"
    assert not files.have_news(11.8)
    assert [files.have_news(at_s) for at_s in (11.9, 12.9)] == [True, False]
    assert files.are_as_taken
    cert.write_text("the newest")
    assert not files.are_as_taken


def test_another_file_of_the_same_date_and_size_is_another(pair: tuple[Path, Path]) -> None:
    files, (cert, _) = watched(pair), pair
    other, before = cert.with_suffix(".new"), os.stat(cert)
    other.write_text("new")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(cert)
    assert [files.have_news(at_s) for at_s in (0.0, 1.0)] == [False, True]


def test_a_file_that_is_away_is_news_and_so_is_its_return(pair: tuple[Path, Path]) -> None:
    files, (cert, _) = watched(pair), pair
    cert.unlink()
    assert [files.have_news(at_s) for at_s in (0.0, 1.0, 2.0)] == [False, True, False]
    cert.write_text("again")
    assert [files.have_news(at_s) for at_s in (3.0, 4.0)] == [False, True]


def test_what_was_taken_before_its_time_is_no_news(pair: tuple[Path, Path]) -> None:
    files, (cert, _) = watched(pair), pair
    cert.write_text("newer")
    files.take()
    assert [files.have_news(at_s) for at_s in (0.0, 1.0, 2.0)] == [False, False, False]


LOOKS = st.lists(st.tuples(st.floats(0.1, 2.0), st.integers(0, 3)), max_size=12)
"""Seconds until each look, and what the file says then."""


@given(LOOKS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_taken_was_the_same_for_long_enough(
    tmp_path: Path, looks: list[tuple[float, int]]
) -> None:
    path = tmp_path / "file"
    path.write_text("")
    files, now_s, seen, since_s = StillFiles([str(path)], STILL_S), 0.0, 0, 0.0
    for after_s, size in looks:
        now_s += after_s
        if size != len(path.read_text()):
            path.write_text("x" * size)
        if size != seen:
            seen, since_s = size, now_s
        is_news = files.have_news(now_s)
        assert not is_news or (now_s - since_s >= STILL_S and size == seen)
    for _ in range(2):
        now_s += STILL_S
        files.have_news(now_s)
    assert files.are_as_taken
