"""Where the kernels run, and random tensors there. Knows no case.

Imports Triton's kernels: whoever wants them interpreted has to say so in the environment before.
"""

import torch

from penstock.kernels.ops import load_ops
from penstock.kernels.triton.sampling.choose import choose
from penstock.kernels.triton.sampling.constrain import constrain
from penstock.kernels.triton.sampling.logprobs import top_logprobs
from penstock.kernels.triton.sampling.penalise import penalise


class Lab:
    """`dtype` is what models are computed in."""

    choose = staticmethod(choose)
    constrain = staticmethod(constrain)
    penalise = staticmethod(penalise)
    top_logprobs = staticmethod(top_logprobs)

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype
        self.ops = load_ops("triton")
        self._generator = torch.Generator(device).manual_seed(0)

    def normal(self, *shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
        """In the model's dtype unless said."""
        return torch.randn(
            shape, generator=self._generator, dtype=dtype or self.dtype, device=self.device
        )

    def permutation(self, size: int) -> torch.Tensor:
        return torch.randperm(size, generator=self._generator, device=self.device)
