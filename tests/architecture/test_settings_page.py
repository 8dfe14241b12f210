"""docs/settings.md is what the declarations say."""

import importlib.util
from pathlib import Path

from penstock.protocol import flags
from penstock.protocol.settings import SERVE_STRUCTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "tools/settings_page.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert PAGE.read_text(encoding="utf-8") == tool.page(), "run: just settings"


def test_the_page_names_every_setting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fields = [f for struct in SERVE_STRUCTS for f in flags.fields_of(struct)]
    assert [f.flag for f in fields if f"`{f.flag}`" not in text] == []
