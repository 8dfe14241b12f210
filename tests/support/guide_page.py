"""docs/guides.md, written from the table of guides. Knows Markdown, runs nothing."""

from collections.abc import Iterable
from typing import Protocol

from support.guide_flags import described

TITLES = (
    "A service that speaks OpenAI's API",
    "The endpoints of a running server",
    "A chapter of a course",
    "Starting and configuring a server",
    "Concepts of service and deployment",
)
INTRODUCTION = """
# Following a guide to vLLM

Written by `just guides` from `tests/integration/test_guides.py`; do not edit.

Read `vllm` as `penstock` (`penstock serve`, `python -m penstock.entrypoints.openai.api_server`, `from penstock import
LLM`) and the rest as it stands. This is what five guides have their readers run, in their order, and what comes of it
here: the tests run each row against `penstock serve`. The flags that they name are at the end;
[settings.md](settings.md) has all that there are.
"""


class Shown(Protocol):
    """A row, as a reader sees it."""

    @property
    def at(self) -> str: ...
    @property
    def shows(self) -> str: ...
    @property
    def does(self) -> str: ...


def page(rows: Iterable[Shown], flags: Iterable[str]) -> str:
    given = list(rows)
    tables = [
        _table(title, [(r.shows, r.does) for r in given if r.at.startswith(f"{number}:")])
        for number, title in enumerate(TITLES)
    ]
    meanings = [(f"`--{flag}`", described(flag)) for flag in sorted(flags)]
    return "\n\n".join([INTRODUCTION.strip(), *tables, _table("Flags", meanings)]) + "\n"


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = ["| it shows | Penstock |", "|---|---|"]
    lines += [f"| {_cell(shows)} | {_cell(does)} |" for shows, does in rows]
    return f"## {title}\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
