"""What a run's text says, and when it warns that its own figures mean less than they seem to."""

import io

import pytest

from penstock.bench.metrics import summarize
from penstock.bench.progress import Progress
from penstock.bench.records import Record, Run
from penstock.bench.report import warnings


def good(num_tokens: int = 3, wanted: int = 3) -> Record:
    return Record(0.0, 5, wanted, [0.5, 0.6, 0.7], num_tokens, True)


def warned(*records: Record, client_cpu_s: float = 0.1) -> str:
    run = Run(list(records), 0.0, 1.0, client_cpu_s)
    return "\n".join(warnings(run, summarize(run, None)))


def test_a_sound_run_warns_of_nothing() -> None:
    assert warned(good(), good()) == ""


@pytest.mark.parametrize(("cpu_s", "warns"), [(0.69, False), (0.95, True)])
def test_a_busy_client_is_told(cpu_s: float, warns: bool) -> None:
    told = warned(good(), client_cpu_s=cpu_s)
    assert ("it may have been the bottleneck" in told) is warns
    assert ("95%" in told) is warns


def test_short_answers_are_told() -> None:
    assert "1 answers were shorter than asked for" in warned(good(2), good())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_on_a_terminal_alone() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        progress = Progress(2, True, stream)
        progress.tell(good())
        progress.tell(Record(0.0, 5, 3, error="no"))
    assert "2/2 requests, 1 failed" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")
    assert file.getvalue() == ""
    hushed = Terminal()
    Progress(1, False, hushed).tell(good())
    assert hushed.getvalue() == ""
