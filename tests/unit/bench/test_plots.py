"""Saved results become PNG files, and what cannot be drawn is said before a run is wasted."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.openai_server import FakeOpenAI

from penstock.bench.commands import main

PNG = b"\x89PNG\r\n\x1a\n"
FEW = ["--num-prompts", "4", "--random-input-len", "4", "--random-output-len", "3"]
GROWTH = {
    "schema": "penstock-growth/1",
    "title": "one step",
    "x": "rows",
    "y": "us",
    "points": [[1, 5.0], [8, 20.0], [64, 100.0]],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Results at three concurrencies."""
    folder = tmp_path_factory.mktemp("runs")
    with FakeOpenAI() as server:
        for limit in ("1", "2", "16"):
            flags = ["--max-concurrency", limit, "--save-result", "--result-filename"]
            path = str(folder / f"{limit}.json")
            assert main(["serve", "--base-url", server.url, *FEW, *flags, path]) == 0
    return sorted(map(str, folder.iterdir()))


def drawn(tmp_path: Path, *files: str) -> bytes:
    path = tmp_path / "out.png"
    assert main(["plot", *files, "--output", str(path)]) == 0
    return path.read_bytes()


def test_a_run_draws_itself(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    with FakeOpenAI() as server:
        argv = ["serve", "--base-url", server.url, *FEW, "--plot", str(path), "--goodput", "ttft:9"]
        assert main(argv) == 0
    assert path.read_bytes().startswith(PNG)


def test_one_run_and_several_are_different_pictures(tmp_path: Path, runs: list[str]) -> None:
    one, several = drawn(tmp_path, runs[0]), drawn(tmp_path, *runs)
    assert one.startswith(PNG)
    assert several.startswith(PNG)
    assert one != several


def test_answers_of_one_token_can_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    with FakeOpenAI(num_tokens=1) as server:
        assert main(["serve", "--base-url", server.url, *FEW, "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(PNG)


def test_growth_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "growth.jsonl"
    flat = {**GROWTH, "title": "one chunk", "grows": "not at all"}
    file.write_text("\n".join(map(json.dumps, (GROWTH, flat, GROWTH))))
    assert drawn(tmp_path, str(file)).startswith(PNG)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "broken.json"),
        ("", "no result in it"),
        ('{"schema": "x"}', "expected a result of form penstock-bench-serve/1"),
        ('{"schema": "penstock-bench-serve/1"}', "lacks what its form promises"),
        ({**GROWTH, "points": "many"}, "lacks what its form promises"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path, content: Any, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    assert main(["plot", str(file)]) == 2
    assert named in capsys.readouterr().err


def test_runs_and_growth_do_not_mix(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "growth.json"
    file.write_text(json.dumps(GROWTH))
    assert main(["plot", str(file), runs[0]]) == 2
    assert "one plot" in capsys.readouterr().err
    assert main(["plot"]) == 2
    assert main(["plot", "--outptu", "x"]) == 2


def test_a_missing_matplotlib_is_told_before_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with FakeOpenAI() as server:
        assert main(["serve", "--base-url", server.url, *FEW, "--plot", "x.png"]) == 2
    assert not server.seen
    assert "pip install 'penstock[bench]'" in capsys.readouterr().err
