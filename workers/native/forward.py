"""Forward passes on native kernels. Knows slots, buffers and programs, not the operations in them.

R rows of the plan, N rows that sample, V vocabulary.
"""

from collections.abc import Callable

import numpy as np
import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import CStep, Program, Team
from penstock.kernels.cpu.step_filler import SlotArrays, StepFiller
from penstock.protocol.plan import Configure
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.rope import rope_tables
from penstock.workers.native.buffers import HeadBuffers, make_buffers, make_head_buffers
from penstock.workers.native.cache import NativeCache
from penstock.workers.native.lower import Decoder, add_decoder, add_head
from penstock.workers.native.products import Products
from penstock.workers.native.weights import Weights
from penstock.workers.prompt_logprobs import tokens_per_slice
from penstock.workers.sampler.rows import Ints
from penstock.workers.slots import Slots
from penstock.workers.threads import BYTES_PER_THREAD, worth


class NativeForward:
    """One program for a step, one more for the logits of a prompt."""

    def __init__(
        self, config: ModelConfig, weights: Weights, products: Products, shape: Configure,
        slots: Slots, library: Library, team: Team,
    ) -> None:  # fmt: skip
        dtype = weights.norm.dtype
        self._vocab_size = config.vocab_size
        self._readings = _readings(config, weights)
        # A plan that was made before its sequence was known to end computes one token too many.
        cos_PE, sin_PE = rope_tables(config.rope, shape.max_model_len, shape.max_model_len + 1)
        self._cache = cache = NativeCache(config, shape.num_blocks, shape.block_size, dtype)
        buffers = make_buffers(config, dtype, shape.max_num_batched_tokens, cache.layout)
        decoder = Decoder(config, weights, products, cache, cos_PE, sin_PE, buffers)
        self._head = make_head_buffers(config, dtype, shape.max_num_seqs)
        self._prompt_head = make_head_buffers(config, dtype, tokens_per_slice(config.vocab_size))
        self._program = _program(library, team, decoder, self._head, add_decoder)
        self._prompt_program = _program(library, team, decoder, self._prompt_head)
        arrays = SlotArrays(
            slots.tokens_SL, slots.blocks_SB, slots.num_computed_S, shape.block_size
        )
        self._filler = StepFiller(library, arrays, shape.max_num_batched_tokens)

    @property
    def vocab_size(self) -> int:
        return self._vocab_size

    @property
    def has_logits(self) -> bool:
        return True

    @property
    def pages(self) -> list[torch.Tensor]:
        """The cache's memory."""
        return self._cache.pages

    def run(self, slots_R: Ints, counts_R: Ints, samples_N: Ints) -> torch.Tensor:
        step = self._filler.fill(slots_R, counts_R, samples_N)
        bytes_worth = sum(
            worth(num_bytes, step.num_tokens * share) for num_bytes, share in self._readings
        )
        step.is_short = bytes_worth < BYTES_PER_THREAD
        self._program.run_filled(step)
        return self._head.logits_NV[: len(samples_N)]

    def keep(self, token_ids_N: torch.Tensor) -> bool:
        """The slots are all it reads."""
        return False

    def prepare(self) -> bool:
        """Nothing is left to prepare."""
        return False

    def logits(self, first: int, end: int) -> torch.Tensor:
        tokens_N = np.arange(first, end, dtype=np.int32)
        assert len(tokens_N) <= len(self._prompt_head.logits_NV)
        self._prompt_program.run_filled(
            CStep(num_samples=len(tokens_N), sample_tokens=tokens_N.ctypes.data)
        )
        return self._prompt_head.logits_NV[: len(tokens_N)]


def _readings(config: ModelConfig, weights: Weights) -> list[tuple[int, float]]:
    """Bytes of weights, and the share of a step's tokens that go through each of them."""
    experts = config.experts
    share = experts.num_chosen / experts.num_experts if experts else 0.0
    return [(weights.dense_nbytes(), 1.0), (weights.expert_nbytes(), share)]


def _program(
    library: Library, team: Team, decoder: Decoder, head: HeadBuffers,
    *before: Callable[[Program, Decoder], None],
) -> Program:  # fmt: skip
    program = Program(library, team)
    for add in before:
        add(program, decoder)
    add_head(program, decoder, head)
    return program
