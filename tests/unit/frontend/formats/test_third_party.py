"""The documented example of a format from another package works as it stands."""

import re
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
from support.answers import parsed

from penstock.frontend.formats import ToolFormat, detect, registry, tool_format

PAGE = Path(__file__).resolve().parents[4] / "docs" / "tools-and-reasoning.md"


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ToolFormat:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code
    (tmp_path / "my_formats.py").write_text(code[1], "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = EntryPoints([EntryPoint("my_model", "my_formats:CALLS", registry.TOOL_GROUP)])
    monkeypatch.setattr(registry, "entry_points", lambda group: found.select(group=group))
    return tool_format("my_model")


def test_it_is_detected_and_read(theirs: ToolFormat) -> None:
    answers = detect('<call>{"function": {{ name }}}</call>')
    assert answers.tools is theirs
    text = 'Well. <call>{"function": "look", "args": {"at": 1}}</call>'
    assert parsed(answers.parser(), [text]) == ("", "Well.", [("look", '{"at": 1}')])


def test_what_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Any = EntryPoints([EntryPoint("broken", "no.such:THING", registry.TOOL_GROUP)])
    monkeypatch.setattr(registry, "entry_points", lambda group: broken.select(group=group))
    with pytest.raises(registry.SettingsError, match=r"no\.such:THING cannot be loaded"):
        tool_format("broken")
