"""One forward pass over the rows of a plan. Knows slots and a model, nothing of sampling.

R rows of the plan, N rows that sample, T tokens of the step, D hidden size, V vocabulary.
"""

from typing import Protocol

import numpy as np
import torch

from penstock.workers.batching import build_batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.sampler.rows import Ints
from penstock.workers.slots import Slots


class Forward(Protocol):
    """A model with its cache, in whatever kernels."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def has_logits(self) -> bool:
        """False for a part of a model that ends before them: `run` then returns nothing for each row."""
        ...

    def run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        """Row r computes the next `counts_R[r]` tokens of slot `slots_R[r]`.

        Returns the logits after the last token of each row in `samples_N`: float32 [N, V], the
        caller's until the next run.
        """
        ...

    def logits(self, first: int, end: int) -> torch.Tensor:
        """Of tokens [first, end) of the last run; leaves what `run` returned as it is."""
        ...


class TorchForward:
    """The decoder on torch's ops, on any device."""

    def __init__(
        self, model: DecoderModel, cache: KVCache, slots: Slots, device: torch.device
    ) -> None:
        self._model = model
        self._cache = cache
        self._slots = slots
        self._device = device
        self._hidden_TD = torch.empty(0, device=device)

    @property
    def vocab_size(self) -> int:
        return self._model.config.vocab_size

    @property
    def has_logits(self) -> bool:
        return self._model.company.part.is_last

    def run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        batch = build_batch(self._slots, slots_R, counts_R, self._device)
        self._hidden_TD = self._model.forward(batch, self._cache)
        if not self.has_logits:
            return self._hidden_TD.new_empty(len(samples_N), 0)
        last_N = torch.from_numpy(np.cumsum(counts_R)[samples_N] - 1).to(self._device)
        return self._model.logits(self._hidden_TD[last_N])

    def logits(self, first: int, end: int) -> torch.Tensor:
        return self._model.logits(self._hidden_TD[first:end])
