"""Makes the package beside tools/train_brook.py importable here; it is not installed."""

import importlib.util
import sys
from pathlib import Path

import pytest
from support.one_thread import one_thread
from support.same_numbers import same_numbers

__all__ = ["one_thread", "same_numbers", "shipped"]

ROOT = Path(__file__).resolve().parents[3]


def load_package(name: str, folder: Path) -> None:
    """Register the package in `folder` under `name`."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


load_package("brook", ROOT / "tools" / "brook")


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The folder of the model inside the package."""
    return ROOT / "src" / "penstock" / "brook"
