"""One thread for all of these tests: they run beside others, and their tensors are small."""

import pytest
import torch
from support.cpu_kernels import cpu_library, cpu_team

__all__ = ["cpu_library", "cpu_team"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
