"""Feeds sequences to the native kernels in any schedule, and gathers every logit. The twin of paged_run.py."""

import random

import numpy as np
import torch

from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Team
from penstock.kernels.cpu.quant_weights import Bits
from penstock.protocol.plan import Configure
from penstock.workers.native.forward import NativeForward
from penstock.workers.native.products import PlainProducts, QuantizedProducts
from penstock.workers.native.weights import pack_weights
from penstock.workers.slots import Slots
from penstock.workers.weights.loader import OpenModel

BLOCK_SIZE = 16
MAX_MODEL_LEN = 64


class NativeRun:
    def __init__(
        self, opened: OpenModel, prompts: list[list[int]], team: Team, library: Library,
        bits: Bits | None = None,
    ) -> None:  # fmt: skip
        num_blocks = MAX_MODEL_LEN // BLOCK_SIZE * len(prompts) + 2
        shape = Configure(num_blocks, BLOCK_SIZE, len(prompts), MAX_MODEL_LEN, 256)
        self._prompts, self._slots = prompts, Slots(shape)
        products = QuantizedProducts(library, team, bits) if bits else PlainProducts(library, team)
        weights = pack_weights(opened, products, lambda *_: None)
        self._forward = NativeForward(
            opened.config, weights, products, shape, self._slots, library, team
        )
        self._dice = random.Random(0)
        self.restart()

    def restart(self) -> None:
        """All sequences anew, in other blocks; the old keys and values stay in the cache as dirt."""
        slots = self._slots
        blocks = np.array(
            self._dice.sample(range(slots.blocks_SB[:, :4].size), slots.blocks_SB[:, :4].size)
        )
        for slot, prompt in enumerate(self._prompts):
            slots.tokens_SL[slot, : len(prompt)] = prompt
            slots.num_tokens_S[slot] = len(prompt)
            slots.blocks_SB[slot, :4] = blocks[slot * 4 : slot * 4 + 4]
        slots.num_computed_S[:] = 0
        self._logits: list[list[torch.Tensor]] = [[] for _ in self._prompts]

    def left(self) -> list[int]:
        return (self._slots.num_tokens_S - self._slots.num_computed_S).tolist()

    @torch.inference_mode()
    def step(self, counts: list[int]) -> None:
        """Row i computes `counts[i]` more tokens; 0 leaves it out."""
        slots_R = np.flatnonzero(counts)
        counts_R = np.array(counts)[slots_R]
        last_NV = self._forward.run(slots_R, counts_R, np.arange(len(slots_R))).clone()
        logits_TV = self._forward.logits(0, int(counts_R.sum())).clone()
        assert torch.equal(logits_TV[np.cumsum(counts_R) - 1], last_NV)
        self._slots.advance(slots_R, counts_R)
        for slot, part in zip(slots_R, logits_TV.split(counts_R.tolist()), strict=True):
            self._logits[slot].append(part)

    def whole(self) -> list[torch.Tensor]:
        self.step(self.left())
        return self.logits()

    def at_random(self, seed: int, longest: int) -> list[torch.Tensor]:
        draw = random.Random(seed)
        while any(self.left()):
            counts = [min(left, draw.choice([0, 1, 1, longest])) for left in self.left()]
            if any(counts):
                self.step(counts)
        return self.logits()

    def alone(self) -> list[torch.Tensor]:
        """Token by token, one sequence after the other."""
        for slot, left in enumerate(self.left()):
            for _ in range(left):
                self.step([int(other == slot) for other in range(len(self._prompts))])
        return self.logits()

    def logits(self) -> list[torch.Tensor]:
        return [torch.cat(parts) for parts in self._logits]
