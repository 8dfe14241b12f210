"""Formats by the names that flags take, and those of other packages."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from penstock.frontend.formats import (
    ReasoningFormat,
    ToolFormat,
    reasoning_format,
    registry,
    tool_format,
    tool_formats,
)
from penstock.frontend.formats import reasoning_formats as reasoning
from penstock.frontend.formats.shapes.json_call import JsonCall
from penstock.protocol.errors import SettingsError

THEIRS = ToolFormat(name="theirs", opens=("<<",), closes=(">>",), shapes=(JsonCall(),))


def test_names_and_aliases() -> None:
    for declared in tool_formats.KNOWN:
        assert tool_format(declared.name) is declared
    for alias, name in tool_formats.ALIASES.items():
        assert tool_format(alias).name == name
    for alias, name in reasoning.ALIASES.items():
        assert reasoning_format(alias).name == name


def test_names_are_unique() -> None:
    for known, aliases in (
        (tool_formats.KNOWN, tool_formats.ALIASES),
        (reasoning.KNOWN, reasoning.ALIASES),
    ):
        names = [each.name for each in known]
        assert len(set(names)) == len(names)
        assert not set(names) & aliases.keys()


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError, match=r"--tool-call-parser: .*'herms' \(known: .*hermes"):
        tool_format("herms")
    with pytest.raises(SettingsError, match=r"--reasoning-parser: .*'qwen' \(known: .*qwen3"):
        reasoning_format("qwen")


def test_other_packages_add_theirs_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EntryPoints(
        [
            EntryPoint("theirs", f"{__name__}_theirs:THEIRS", registry.TOOL_GROUP),
            EntryPoint("wrong", f"{__name__}_theirs:WRONG", registry.TOOL_GROUP),
        ]
    )
    module = type(registry)(f"{__name__}_theirs")
    module.THEIRS, module.WRONG = THEIRS, "no format"  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    monkeypatch.setattr(registry, "entry_points", lambda group: found.select(group=group))
    assert tool_format("theirs") is THEIRS
    with pytest.raises(SettingsError, match="is no ToolFormat"):
        tool_format("wrong")
    with pytest.raises(SettingsError, match=r"known: .*theirs"):
        tool_format("nobody's")


def test_markers_hold_the_special_tokens_that_they_consist_of() -> None:
    assert {"<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"} <= tool_format("deepseek_v3").markers
    assert "[ARGS]" in tool_format("mistral").markers
    assert '<|"|>' in tool_format("gemma4").markers
    gemma: ReasoningFormat = reasoning_format("gemma4")
    assert {"<|channel>", "<channel|>"} <= gemma.markers
