"""Plans are made for a machine without GPUs unless a test pretends some."""

import pytest

from penstock.explain import estimate


@pytest.fixture(autouse=True)
def _no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "usable_gpus", list)
