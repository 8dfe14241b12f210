"""A decoder's ops come from its device, or from nowhere with a word on why."""

import sys

import pytest
import torch

from penstock.kernels.ops import load_ops
from penstock.protocol.errors import ModelError
from penstock.workers.backend import Backend, backend_on


def test_a_cpu_has_the_oracle() -> None:
    assert backend_on(torch.device("cpu")) == Backend(load_ops("reference"), False)


def test_a_gpu_has_triton() -> None:
    pytest.importorskip("triton")
    found = backend_on(torch.device("cuda"), batch_invariant=True)
    assert found == Backend(load_ops("triton"), True)


def test_a_gpu_without_triton_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("penstock.kernels.triton")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(ModelError, match=r"pip install 'penstock\[gpu\]'"):
        backend_on(torch.device("cuda"))
