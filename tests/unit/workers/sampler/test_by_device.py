"""Who samples is decided by where the logits lie."""

import pytest
import torch

from penstock.workers.sampler.ops import TorchSampling, sampling_on


def test_a_cpu_has_torchs_operations() -> None:
    assert isinstance(sampling_on(torch.device("cpu")), TorchSampling)


def test_a_gpu_has_tritons() -> None:
    pytest.importorskip("triton")
    from penstock.kernels.triton.sampling.ops import TritonSampling

    assert isinstance(sampling_on(torch.device("cuda", 1)), TritonSampling)
