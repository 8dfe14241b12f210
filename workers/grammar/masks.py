"""The masks of all slots, computed beside the steps. Knows slots and threads, not what a grammar is.

    step k samples  ->  advance(slots, tokens)      the thread: push, fill
    step k+1        ->  its forward pass            ... goes on meanwhile
    step k+1 samples -> ready(slots)                waits for the rest, mostly none

One thread does it all in the order in which it was asked, so a slot that is freed and taken again is safe.
Where a step's masks take too little time for a second thread to be worth waking, who waits makes them.
"""

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.errors import GrammarError, shortened
from penstock.workers.grammar.limits import SLOWEST_MASK_S
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.side_thread import EXITS, SideThread

if TYPE_CHECKING:
    from penstock.workers.grammar.guide import Guide

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
PATIENCE_S = 3 * SLOWEST_MASK_S
WORTHWHILE_S = 0.00005
"""Waking a thread takes as long. Where all processors are busy anyway, ten times as much would be better."""


class Masks:
    """`words_SW` holds a row of bits for each slot; see `ready` for when they count."""

    def __init__(self, num_slots: int, compiler: Compiler) -> None:
        self._compiler = compiler
        self._thread = SideThread("masks")
        self._is_guided_S = np.zeros(num_slots, dtype=np.bool_)
        self._has_mask_S = np.zeros(num_slots, dtype=np.bool_)
        self._guides: dict[int, Guide] = {}
        self._rows: list[MaskRow] = []
        self._failed: dict[int, str] = {}
        self._usual_s = 0.0
        self.words_SW: npt.NDArray[np.uint32] = np.zeros((num_slots, 0), dtype=np.uint32)

    # ---- what the steps call

    def start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        """A sequence with a constraint or a budget takes `slot`, having said `output` already."""
        self._is_guided_S[slot] = True
        self._thread.do(partial(self._start, slot, params, output))

    def free(self, slots_F: Ints) -> None:
        for slot in slots_F[self._is_guided_S[slots_F]].tolist():
            self._is_guided_S[slot] = False
            self._thread.do(partial(self._forget, slot))

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

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """Places in `slots_R` of sequences that can say nothing more, and why; known since `ready`."""
        if not self._failed:
            return []
        slots = slots_R.tolist()
        return [(row, self._failed[slot]) for row, slot in enumerate(slots) if slot in self._failed]

    # ---- in the thread

    def _start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        self._has_mask_S[slot] = False
        try:
            self._guides[slot] = self._guide(params, output)
            self._has_mask_S[slot] = self._guides[slot].fill(self._rows[slot])
        except EXITS:
            raise
        except BaseException as error:
            self._fail(slot, error)

    def _guide(self, params: SamplingParams, output: list[int]) -> "Guide":
        from penstock.workers.grammar.guide import make_guide  # see compiler.py

        guide = make_guide(params, self._compiler)
        self._make_rows(self._compiler.vocabulary().num_words)
        for token in output:
            guide.push(token)
        return guide

    def _make_rows(self, num_words: int) -> None:
        if not self._rows:
            self.words_SW = np.zeros((len(self._has_mask_S), num_words), dtype=np.uint32)
            self._rows = [MaskRow(words_W) for words_W in self.words_SW]

    def _forget(self, slot: int) -> None:
        self._guides.pop(slot, None)
        self._failed.pop(slot, None)

    def _advance(self, slots: list[int], tokens: list[int]) -> None:
        started = before = time.thread_time()
        for slot, token in zip(slots, tokens, strict=True):
            guide = self._guides.get(slot)
            if guide is None:  # it has failed
                continue
            try:
                guide.push(token)
                self._has_mask_S[slot] = guide.fill(self._rows[slot])
                before = _in_time(before)
            except EXITS:
                raise
            except BaseException as error:
                self._fail(slot, error)
                before = time.thread_time()  # what it took is not the next one's
        self._usual_s += (before - started - self._usual_s) / 8

    def _fail(self, slot: int, error: BaseException) -> None:
        """Its sequence's alone. A panic of the grammar engine is no Exception."""
        reason = str(error)
        if not isinstance(error, GrammarError):
            reason = f"the grammar engine failed: {type(error).__name__}: {error}"
        self._guides.pop(slot, None)
        self._has_mask_S[slot] = False
        self._failed[slot] = (
            f"The output can no longer be held to its constraint: {shortened(reason)}"
        )


def _in_time(before: float) -> float:
    """The thread's time now. Raises GrammarError: the other sequences of a step wait for every mask."""
    now = time.thread_time()
    if now - before > PATIENCE_S:
        raise GrammarError(f"it took {now - before:.1f} s to find out which tokens may follow")
    return now
