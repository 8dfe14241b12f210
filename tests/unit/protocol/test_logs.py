"""Log lines as JSON: one object a line, whatever is said."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol import logs

FORMATTER = logs.JsonFormatter("worker-0")


def written(message: str, *args: object, **facts: Any) -> dict[str, Any]:
    record = logging.LogRecord("penstock.x", logging.WARNING, "f.py", 1, message, args, None)
    for name, value in logs.fields(**facts).items():
        setattr(record, name, value)
    line = FORMATTER.format(record)
    assert "\n" not in line
    line.encode()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_when_who_and_what() -> None:
    line = written("%d requests of %s", 3, "ünder", request_id="a", status=200)
    assert line.pop("time").endswith("Z")
    assert line.pop("pid") > 0
    assert line == {
        "level": "warning",
        "process": "worker-0",
        "logger": "penstock.x",
        "message": "3 requests of ünder",
        "request_id": "a",
        "status": 200,
    }


@given(st.text(), st.text(st.characters(codec=None)))
def test_whatever_is_said_is_one_object_on_one_line(message: str, fact: str) -> None:
    line = written("%s", message, request_id=fact)
    assert set(line) > {"time", "level", "process", "message", "request_id"}


def run(body: str, form: str = "json") -> list[str]:
    program = f"from penstock.protocol import logs\nlogs.set_up('info', {form!r}, 'me')\n{body}"
    found = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60
    )
    return found.stderr.splitlines()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import threading\nthreading.Thread(target=lambda: 1 / 0).start()", "ZeroDivisionError"),
        ("import warnings\nwarnings.warn('old')", "old"),
        ("import logging\ntry:\n  1/0\nexcept Exception: logging.exception('x')", "ZeroDivision"),
    ],
    ids=["crash", "thread", "warning", "exception"],
)
def test_crashes_and_warnings_are_lines_too(body: str, words: str) -> None:
    (line,) = run(body)
    found = json.loads(line)
    assert found["process"] == "me"
    assert words in found["message"] + found.get("exception", "")


def test_lines_for_people_name_the_process() -> None:
    (line,) = run("import logging\nlogging.getLogger('penstock.x').info('hello')", "text")
    assert line.endswith(" me penstock.x INFO hello")
