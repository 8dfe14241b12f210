"""One forward pass over the rows of a plan. Knows slots and a model, nothing of sampling.

R rows of the plan, N rows that sample, T tokens of the step, S slots, D hidden size, V vocabulary.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from penstock.kernels.rows import Rows
from penstock.workers.batch import Batch
from penstock.workers.batching import extent_of, fill_inputs
from penstock.workers.device.decode_graphs import DecodeGraphs
from penstock.workers.device.graph_sizes import MOST_ROWS
from penstock.workers.device.last_tokens import LastTokens
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

    def prepare(self) -> bool:
        """In an idle moment: makes something ready that runs will use; whether there is more of it."""
        ...


class TorchForward:
    """The decoder on any device, which has each slot's last token: so no run waits for the host.

    With `captures` steps of one token a row run as captured graphs, for which `graph_bytes` were set aside.
    """

    def __init__(
        self, model: DecoderModel, cache: KVCache, slots: Slots, stream: Stream,
        *, captures: bool = False, graph_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self._model = model
        self._cache = cache
        self._slots = slots
        self._stream = stream
        self._uploads = Uploads(stream)
        self._last = LastTokens(slots.num_slots, stream.device)
        self._graphs = self._make_graphs(graph_bytes) if captures else None
        self._hidden_TD = torch.empty(0, device=stream.device)
        self._slots_N = torch.empty(0, dtype=torch.int64, device=stream.device)

    @property
    def vocab_size(self) -> int:
        return self._model.config.vocab_size

    @property
    def has_logits(self) -> bool:
        return self._model.company.part.is_last

    def run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        """See `Forward`."""
        num_samples = len(samples_N)
        size = self._graphs.size_for(counts_R, num_samples) if self._graphs else None
        last_ND = (
            self._run(slots_R, counts_R, samples_N)
            if size is None
            else self._replay(size, slots_R, counts_R, samples_N)
        )
        return self._model.logits(last_ND) if self.has_logits else last_ND.new_empty(num_samples, 0)

    def keep(self, token_ids_N: torch.Tensor) -> bool:
        """See `Forward`."""
        self._last.keep(self._slots_N, token_ids_N)
        return True

    def logits(self, first: int, end: int) -> torch.Tensor:
        """See `Forward`."""
        return self._model.logits(self._hidden_TD[first:end])

    @torch.inference_mode()
    def prepare(self) -> bool:
        """See `Forward`."""
        return self._graphs is not None and self._graphs.prepare()

    def _run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        extent = extent_of(self._slots, slots_R, counts_R, len(samples_N))
        flat = torch.empty(extent.num_bytes, dtype=torch.uint8, device=self._stream.device)
        fill = self._filler(slots_R, counts_R, samples_N)
        self._uploads.send(flat, lambda staged: fill(inputs_in(staged, extent)))
        inputs = inputs_in(flat, extent)
        self._hidden_TD = self._model.forward(self._batch(inputs, slots_R, counts_R), self._cache)
        self._slots_N = inputs.slots_N
        return self._hidden_TD[inputs.last_N] if self.has_logits else self._hidden_TD

    def _replay(self, size: int, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        """Every row samples, from its only token."""
        assert self._graphs is not None
        blocks = extent_of(self._slots, slots_R, counts_R, len(samples_N)).blocks
        fill = self._filler(slots_R, counts_R, samples_N)
        self._hidden_TD, inputs = self._graphs.run(size, blocks, fill)
        self._slots_N = inputs.slots_N[: len(samples_N)]
        return self._hidden_TD[: len(samples_N)]

    def _filler(
        self, slots_R: Ints, counts_R: Ints, samples_N: Ints
    ) -> Callable[[StepInputs], None]:
        return lambda inputs: fill_inputs(inputs, self._slots, slots_R, counts_R, samples_N)

    def _batch(self, inputs: StepInputs, slots_R: Ints, counts_R: Ints) -> Batch:
        context_R = self._slots.num_computed_S[slots_R] + counts_R
        rows = Rows(
            tuple(counts_R.tolist()), tuple(context_R.tolist()), int(counts_R.max()),
            int((counts_R == 1).sum()),
            inputs.starts_P, inputs.context_R, inputs.block_tables_RB,
        )  # fmt: skip
        token_ids_T = self._last.look_up(inputs.token_ids_T)
        return Batch(token_ids_T, inputs.positions_T, inputs.cache_slots_T, rows)

    def _make_graphs(self, allowed_bytes: int | None) -> DecodeGraphs:
        model, slots = self._model, self._slots
        shape = (min(slots.num_slots, MOST_ROWS), model.config.hidden_size)
        return DecodeGraphs(
            self._stream, self._uploads, lambda batch: model.forward(batch, self._cache), self._last,
            torch.zeros(shape, dtype=model.dtype, device=self._stream.device),
            slots.tokens_SL.shape[1], slots.blocks_SB.shape[1],
            has_peers=model.company.part.size > 1, allowed_bytes=allowed_bytes,
        )  # fmt: skip
