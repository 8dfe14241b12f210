"""The library is built beside the start, and an operator is told of it."""

import logging
import threading
from pathlib import Path

import pytest

from penstock.kernels.cpu.compiler import CompileError, Tell
from penstock.workers.native import building
from penstock.workers.native.building import Building, begin

LIBRARY = Path("/somewhere/kernels.so")


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(building, "LOOK_EVERY_S", 0.001)


def test_it_goes_on_meanwhile_and_tells_how_far_it_is(caplog):
    told: list[tuple[str, float]] = []
    half, rest = threading.Event(), threading.Event()

    def build(tell: Tell) -> Path:
        tell(0.0)
        tell(0.5)
        half.set()
        rest.wait(10)
        tell(1.0)
        return LIBRARY

    def progress(phase: str, share: float) -> None:
        told.append((phase, share))
        rest.set()

    caplog.set_level(logging.INFO, "penstock.worker")
    begun = Building(build)
    assert half.wait(10)
    assert begun.library(progress) == LIBRARY
    assert told[0] == ("building native kernels", 0.5)
    assert "building them by" in caplog.text
    assert "native kernels built in" in caplog.text


def test_one_that_is_there_is_not_worth_a_word(caplog):
    caplog.set_level(logging.INFO, "penstock.worker")
    assert Building(lambda _tell: LIBRARY).library(lambda *_: None) == LIBRARY
    assert not caplog.text


def test_what_the_compiler_says_comes_to_whoever_wants_the_library():
    def build(_tell: Tell) -> Path:
        raise CompileError("no C++ compiler was found")

    begun = Building(build)
    with pytest.raises(CompileError, match="no C"):
        begun.library(lambda *_: None)


@pytest.mark.parametrize(
    ("choice", "world_size", "has_gpu", "begins"),
    [
        ("auto", 1, False, True),
        ("native", 1, False, True),
        ("reference", 1, False, False),
        ("auto", 2, False, False),
        ("auto", 1, True, False),
    ],
)
def test_it_begins_where_native_kernels_are_likely(
    tmp_path, monkeypatch, choice, world_size, has_gpu, begins
):
    monkeypatch.setattr(building, "Building", lambda: "begun")
    driver = tmp_path / "driver"
    if has_gpu:
        driver.mkdir()
    assert (begin(choice, world_size, (driver,)) is not None) == begins
