"""One forward pass over the rows of a plan. Knows slots and a model, nothing of sampling.

R rows of the plan, N rows that sample, T tokens of the step, S slots, D hidden size, V vocabulary.
"""

from typing import Protocol

import torch

from penstock.kernels.rows import Rows
from penstock.workers.batch import Batch
from penstock.workers.batching import extent_of, fill_inputs
from penstock.workers.device.stream import Stream
from penstock.workers.device.uploads import Uploads
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.sampler.rows import Ints
from penstock.workers.slots import Slots
from penstock.workers.step_inputs import StepInputs, inputs_in


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

    def keep(self, token_ids_N: torch.Tensor) -> bool:
        """These were sampled from the logits of the last run.

        Whether the next run knows them from here; else the slots have to know them before it.
        """
        ...

    def logits(self, first: int, end: int) -> torch.Tensor:
        """Of tokens [first, end) of the last run; leaves what `run` returned as it is."""
        ...


class TorchForward:
    """The decoder on any device, which has each slot's last token: so no run waits for the host."""

    def __init__(self, model: DecoderModel, cache: KVCache, slots: Slots, stream: Stream) -> None:
        self._model = model
        self._cache = cache
        self._slots = slots
        self._stream = stream
        self._uploads = Uploads(stream)
        self._last_S = torch.zeros(slots.num_slots, dtype=torch.int64, device=stream.device)
        self._hidden_TD = torch.empty(0, device=stream.device)
        self._slots_N = self._last_S

    @property
    def vocab_size(self) -> int:
        return self._model.config.vocab_size

    @property
    def has_logits(self) -> bool:
        return self._model.company.part.is_last

    def run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        inputs = self._send(slots_R, counts_R, samples_N)
        batch = self._batch(inputs, slots_R, counts_R)
        self._hidden_TD = self._model.forward(batch, self._cache)
        self._slots_N = inputs.slots_N
        if not self.has_logits:
            return self._hidden_TD.new_empty(len(samples_N), 0)
        return self._model.logits(self._hidden_TD[inputs.last_N])

    def keep(self, token_ids_N: torch.Tensor) -> bool:
        self._last_S.index_copy_(0, self._slots_N, token_ids_N)
        return True

    def logits(self, first: int, end: int) -> torch.Tensor:
        return self._model.logits(self._hidden_TD[first:end])

    def _send(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> StepInputs:
        extent = extent_of(self._slots, slots_R, counts_R, len(samples_N))
        flat = torch.empty(extent.num_bytes, dtype=torch.uint8, device=self._stream.device)
        self._uploads.send(
            flat,
            lambda staged: fill_inputs(
                inputs_in(staged, extent), self._slots, slots_R, counts_R, samples_N
            ),
        )
        return inputs_in(flat, extent)

    def _batch(self, inputs: StepInputs, slots_R: Ints, counts_R: Ints) -> Batch:
        context_R = self._slots.num_computed_S[slots_R] + counts_R
        rows = Rows(
            tuple(counts_R.tolist()), tuple(context_R.tolist()), int(counts_R.max()),
            int((counts_R == 1).sum()),
            inputs.starts_P, inputs.context_R, inputs.block_tables_RB,
        )  # fmt: skip
        token_ids_T = known(inputs.token_ids_T, self._last_S)
        return Batch(token_ids_T, inputs.positions_T, inputs.cache_slots_T, rows)


def known(token_ids_T: torch.Tensor, last_S: torch.Tensor) -> torch.Tensor:
    """`~slot` becomes the token that was sampled last in that slot."""
    sampled_T = last_S[(~token_ids_T).clamp_(min=0)]
    return torch.where(token_ids_T < 0, sampled_T, token_ids_T)
