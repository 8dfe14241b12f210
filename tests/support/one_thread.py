"""A fixture: torch computes with one thread. Import it into a conftest of tests that compute.

They run beside others, and two threads that wait for each other on a busy machine burn more than they compute.
"""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
