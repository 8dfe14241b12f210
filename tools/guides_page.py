"""Writes docs/guides.md from the table in tests/integration/test_guides.py. Knows where both lie."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guides.md"


def table() -> ModuleType:
    """The tests' module, which nobody runs here."""
    sys.path.insert(0, str(ROOT / "tests"))
    spec = importlib.util.spec_from_file_location(
        "guides", ROOT / "tests/integration/test_guides.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    tests = table()
    PAGE.write_text(tests.page(tests.ROWS, [*tests.FLAGS, "config"]), encoding="utf-8")
