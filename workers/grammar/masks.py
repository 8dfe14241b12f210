"""The masks of all slots, computed beside the steps. Knows slots and threads, not what a grammar is.

    step k samples  ->  advance(slots, tokens)      the thread: push, fill
    step k+1        ->  its forward pass            ... goes on meanwhile
    step k+1 samples -> ready(slots)                waits for the rest, mostly none

One thread does it all in the order in which it was asked, so a slot that is freed and taken again is safe.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.limits import SLOWEST_MASK_S

if TYPE_CHECKING:
    from penstock.workers.grammar.guide import Guide

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
PATIENCE_S = 3 * SLOWEST_MASK_S


class Masks:
    """`words_SW` holds a row of bits for each slot; see `ready` for when they count."""

    def __init__(self, num_slots: int, compiler: Compiler) -> None:
        self._compiler = compiler
        self._thread = ThreadPoolExecutor(1, "masks")
        self._last: Future[None] | None = None
        self._guides: dict[int, Guide] = {}
        self._is_guided_S = np.zeros(num_slots, dtype=np.bool_)
        self._has_mask_S = np.zeros(num_slots, dtype=np.bool_)
        self.words_SW: npt.NDArray[np.uint32] = np.zeros((num_slots, 0), dtype=np.uint32)
        self._failed: dict[int, str] = {}

    # ---- what the steps call

    def start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        """A sequence with a constraint or a budget takes `slot`, having said `output` already."""
        self._is_guided_S[slot] = True
        self._submit(partial(self._start, slot, params, output))

    def free(self, slots_F: Ints) -> None:
        for slot in slots_F[self._is_guided_S[slots_F]].tolist():
            self._is_guided_S[slot] = False
            self._submit(partial(self._forget, slot))

    def advance(self, slots_N: Ints, token_ids_N: Ints) -> None:
        """These slots have sampled these tokens."""
        guided_N = self._is_guided_S[slots_N]
        if guided_N.any():
            slots, tokens = slots_N[guided_N].tolist(), token_ids_N[guided_N].tolist()
            self._submit(partial(self._advance, slots, tokens))

    def ready(self, slots_N: Ints) -> Bools:
        """Which of these slots have a mask for their next token. Waits for what has been asked."""
        if self._last is not None:
            self._last.result()
            self._last = None
        return self._has_mask_S[slots_N]

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """Places in `slots_R` of sequences that can say nothing more, and why; known since `ready`."""
        if not self._failed:
            return []
        slots = slots_R.tolist()
        return [(row, self._failed[slot]) for row, slot in enumerate(slots) if slot in self._failed]

    def _submit(self, work: Callable[[], None]) -> None:
        self._last = self._thread.submit(work)

    # ---- in the thread

    def _start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        self._has_mask_S[slot] = False
        self._attempt(slot, partial(self._guide, slot, params, output))
        self._fill(slot)

    def _guide(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        from penstock.workers.grammar.guide import make_guide  # see compiler.py

        guide = make_guide(params, self._compiler)
        self._make_room(self._compiler.vocabulary().num_words)
        for token in output:
            guide.push(token)
        self._guides[slot] = guide

    def _make_room(self, num_words: int) -> None:
        if not self.words_SW.shape[1]:
            self.words_SW = np.zeros((len(self._has_mask_S), num_words), dtype=np.uint32)

    def _forget(self, slot: int) -> None:
        self._guides.pop(slot, None)
        self._failed.pop(slot, None)

    def _advance(self, slots: list[int], tokens: list[int]) -> None:
        for slot, token in zip(slots, tokens, strict=True):
            guide = self._guides.get(slot)
            if guide is not None:
                self._attempt(slot, partial(guide.push, token))
                self._fill(slot)

    def _fill(self, slot: int) -> None:
        guide = self._guides.get(slot)
        if guide is not None:
            self._attempt(slot, partial(self._fill_with, slot, guide))

    def _fill_with(self, slot: int, guide: "Guide") -> None:
        started = time.thread_time()
        self._has_mask_S[slot] = guide.fill(self.words_SW[slot])
        took_s = time.thread_time() - started
        if took_s > PATIENCE_S:
            raise GrammarError(f"one token's mask took {took_s:.1f} s, and others wait for it")

    def _attempt(self, slot: int, work: Callable[[], None]) -> None:
        """A failure is its sequence's alone."""
        try:
            work()
        except GrammarError as error:
            self._fail(slot, str(error))
        except BaseException as error:  # a panic of the grammar engine is no Exception
            self._fail(slot, f"the grammar engine failed: {type(error).__name__}: {error}")

    def _fail(self, slot: int, reason: str) -> None:
        self._guides.pop(slot, None)
        self._has_mask_S[slot] = False
        self._failed[slot] = f"the answer cannot be held to its constraint any longer: {reason}"
