"""A fixture: torch's numbers are the same in every test, whichever ran before it. Import it into a conftest."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    torch.manual_seed(0)
