"""Building the kernels: once, in a folder of one's own, and never half."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from penstock.kernels.cpu import compiler
from penstock.kernels.cpu.compiler import CompileError, build, cache_dir, find_compiler


@pytest.fixture
def one_source(tmp_path, monkeypatch) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "answer.cpp").write_text('extern "C" int answer() { return 42; }\n')
    monkeypatch.setattr(compiler, "SOURCE", source)
    return source


@pytest.fixture
def environ(tmp_path) -> dict[str, str]:
    if not (shutil.which("g++") or shutil.which("clang++")):
        pytest.skip("no C++ compiler")
    return {"PATH": os.environ["PATH"], "PENSTOCK_CACHE": str(tmp_path / "cache")}


def test_a_second_build_finds_the_first(one_source, environ):
    library = build((), environ)
    written = library.stat().st_mtime_ns
    assert build((), environ) == library
    assert library.stat().st_mtime_ns == written
    assert {path.suffix for path in library.parent.iterdir()} == {".so", ".lock"}


def test_whoever_needs_it_meanwhile_waits_for_the_one_build(one_source, environ, monkeypatch):
    built, compile_it = [], compiler._compile

    def slowly(*given):
        built.append(given)
        time.sleep(0.3)
        compile_it(*given)

    monkeypatch.setattr(compiler, "_compile", slowly)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: build((), environ), range(4)))
    assert (len(found), len(built)) == (1, 1)


def test_another_source_or_flag_is_another_library(one_source, environ):
    first = build((), environ)
    assert build(("-DX",), environ) != first
    (one_source / "answer.cpp").write_text('extern "C" int answer() { return 43; }\n')
    assert build((), environ) != first


def test_the_cache_is_closed_to_others(environ):
    assert cache_dir(environ).stat().st_mode & 0o077 == 0


def test_cache_follows_the_environment(tmp_path):
    assert cache_dir({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "penstock"
    assert cache_dir({"HOME": str(tmp_path)}) == tmp_path / ".cache" / "penstock"


def test_no_compiler_is_said(tmp_path):
    with pytest.raises(CompileError, match=r"no C\+\+ compiler was found"):
        find_compiler({"PATH": str(tmp_path)})
    with pytest.raises(CompileError, match="'g--' named by CXX"):
        find_compiler({"PATH": os.environ["PATH"], "CXX": "g--"})


def test_what_the_compiler_complains_of_is_passed_on(one_source, environ):
    (one_source / "answer.cpp").write_text("int answer() { return nothing; }\n")
    with pytest.raises(CompileError, match="nothing"):
        build((), environ)
    assert not list(cache_dir(environ).glob("*.so"))


def test_a_cache_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CompileError, match="cannot be made"):
        cache_dir({"PENSTOCK_CACHE": str(tmp_path / "file" / "cache")})


def test_what_is_built_is_told_and_what_is_there_is_not(one_source, environ):
    (one_source / "question.cpp").write_text('extern "C" int question() { return 6 * 9; }\n')
    told: list[float] = []
    build((), environ, jobs=1, tell=told.append)
    assert told == [0.0, 0.5, 1.0]
    build((), environ, tell=told.append)
    assert told == [0.0, 0.5, 1.0]


def test_those_said_to_take_longest_are_there():
    assert {*compiler.LONGEST} <= {path.name for path in compiler.SOURCE.iterdir()}


def test_no_source_reads_the_header_of_all_intrinsics_but_by_its_own_name():
    """It costs more than most kernels; see source/intrinsics.hpp."""
    readers = [p.name for p in compiler.SOURCE.iterdir() if "<immintrin.h>" in p.read_text()]
    assert readers == ["intrinsics.hpp"]
