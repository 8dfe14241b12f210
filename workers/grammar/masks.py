"""The masks of all slots, made beside the steps, for devices whose tokens come home late. Knows no grammar.

    step k samples  ->  advance(slots, tokens)      the thread: push, fill
    step k+1        ->  its forward pass            ... goes on meanwhile
    step k+1 samples -> ready(slots)                waits for the rest, mostly none

Where a step's masks take too little time for a second thread to be worth waking, who waits makes them.
"""

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.answers import Answers, Bools, Ints
from penstock.workers.grammar.compiler import Compiler

if TYPE_CHECKING:
    from penstock.workers.grammar.guide import Guide

WORTHWHILE_S = 0.00005
"""Waking a thread takes as long. Where all processors are busy anyway, ten times as much would be better."""


class Masks(Answers):
    """See `ready` for when the bits of a slot count."""

    def __init__(self, num_slots: int, compiler: Compiler) -> None:
        super().__init__(num_slots, compiler)
        self._has_mask_S = np.zeros(num_slots, dtype=np.bool_)
        self._usual_s = 0.0

    def advance(self, slots_N: Ints, token_ids_N: Ints) -> None:
        """These slots have sampled these tokens."""
        guided_N = self._is_guided_S[slots_N]
        if guided_N.any():
            slots, tokens = slots_N[guided_N].tolist(), token_ids_N[guided_N].tolist()
            self._thread.do(partial(self._advance, slots, tokens), self._usual_s > WORTHWHILE_S)

    def ready(self, slots_N: Ints) -> Bools:
        """Which of these slots have a mask for their next token. Waits for what has been asked."""
        self._thread.wait()
        return self._has_mask_S[slots_N]

    # ---- in the thread

    def _start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        self._has_mask_S[slot] = False
        super()._start(slot, params, output)

    def _fail(self, slot: int, error: BaseException) -> None:
        self._has_mask_S[slot] = False
        super()._fail(slot, error)

    def _begun(self, slot: int) -> None:
        self._has_mask_S[slot] = self._guides[slot].fill(self._rows[slot])

    def _advance(self, slots: list[int], tokens: list[int]) -> None:
        def go_on(place: int, slot: int, guide: "Guide") -> None:
            guide.push(tokens[place])
            self._has_mask_S[slot] = guide.fill(self._rows[slot])

        started = time.thread_time()
        self._each(slots, go_on)
        self._usual_s += (time.thread_time() - started - self._usual_s) / 8
