"""What no start could go well with ends `serve` and `serve --explain` at once, with one line and status 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from penstock import LLM
from penstock.protocol.errors import ModelError
from penstock.supervisor import main

DOOMED = [
    (["--tensor-parallel-size", "3"], "--tensor-parallel-size 3 does not divide"),
    (["-pp", "7"], "--pipeline-parallel-size 7"),
    (["--tool-call-parser", "foo"], "--tool-call-parser: there is no format 'foo'"),
    (["--reasoning-parser", "foo"], "--reasoning-parser: there is no format 'foo'"),
    (["--chat-template", "nope.jinja"], "--chat-template nope.jinja: no such file"),
    (["--chat-template", "{% if %}"], "chat template"),
    (["--ssl-certfile", "nope.pem"], "--ssl-certfile"),
    (["--responses-store", "mysql://x"], "--responses-store mysql://"),
]


@pytest.mark.parametrize(("flags", "reason"), DOOMED)
def test_explain_refuses_what_a_start_would(
    flags: list[str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--explain", "--port", "0", *flags]) == 2
    assert [reason in record.getMessage() for record in caplog.records] == [True]


def test_a_start_says_it_once_and_starts_nothing() -> None:
    argv = [sys.executable, "-P", "-m", "penstock.cli", "serve", "--port", "0", "-tp", "3"]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=240)
    assert found.returncode == 2
    [line] = found.stderr.splitlines()
    assert "--tensor-parallel-size 3 does not divide this model's" in line


def test_a_template_that_is_no_text_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "template.jinja"
    path.write_bytes(b"\xff\xfe")
    assert main(["--explain", "--port", "0", "--chat-template", str(path)]) == 2
    assert str(path) in caplog.text


def test_what_a_front_end_program_is_told_is_its_own_affair(
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ["--frontend-program", "sh", "--tool-call-parser", "foo"]
    assert main(["--explain", "json", "--port", "0", *flags]) == 0
    assert "front ends" in capsys.readouterr().out


def test_a_python_program_is_told_too() -> None:
    with pytest.raises(ModelError, match="--tensor-parallel-size 3 does not divide"):
        LLM(tensor_parallel_size=3)
