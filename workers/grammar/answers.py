"""The answers of all slots that are held to something: begun, given up, failed. Knows slots, not when masks are made.

One thread does what is given to it in the order in which it was asked, so a slot that is freed and taken again is safe.
"""

import time
from collections.abc import Callable
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


class Answers:
    """`words_SW` holds a row of bits for each slot; see `_fill` for when they count."""

    def __init__(self, num_slots: int, compiler: Compiler) -> None:
        self._compiler = compiler
        self._thread = SideThread("masks")
        self._is_guided_S = np.zeros(num_slots, dtype=np.bool_)
        self._guides: dict[int, Guide] = {}
        self._rows: list[MaskRow] = []
        self._failed: dict[int, str] = {}
        self.words_SW: npt.NDArray[np.uint32] = np.zeros((num_slots, 0), dtype=np.uint32)

    def start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        """A sequence with a constraint or a budget takes `slot`, having said `output` already."""
        self._is_guided_S[slot] = True
        self._thread.do(partial(self._start, slot, params, output))

    def free(self, slots_F: Ints) -> None:
        for slot in slots_F[self._is_guided_S[slots_F]].tolist():
            self._is_guided_S[slot] = False
            self._thread.do(partial(self._forget, slot))

    def failures(self, slots_R: Ints) -> list[tuple[int, str]]:
        """Places in `slots_R` of sequences that can say nothing more, and why; known once all errands are done."""
        if not self._failed:
            return []
        slots = slots_R.tolist()
        return [(row, self._failed[slot]) for row, slot in enumerate(slots) if slot in self._failed]

    # ---- in the thread, or while it rests

    def _start(self, slot: int, params: SamplingParams, output: list[int]) -> None:
        try:
            self._guides[slot] = self._guide(params, output)
            self._begun(slot)
        except EXITS:
            raise
        except BaseException as error:
            self._fail(slot, error)

    def _begun(self, slot: int) -> None:
        """For who wants to know."""

    def _guide(self, params: SamplingParams, output: list[int]) -> "Guide":
        from penstock.workers.grammar.guide import make_guide  # see compiler.py

        guide = make_guide(params, self._compiler)
        self._make_rows(self._compiler.vocabulary().num_words)
        for token in output:
            guide.push(token)
        return guide

    def _make_rows(self, num_words: int) -> None:
        if not self._rows:
            self.words_SW = np.zeros((len(self._is_guided_S), num_words), dtype=np.uint32)
            self._rows = [MaskRow(words_W) for words_W in self.words_SW]

    def _forget(self, slot: int) -> None:
        self._guides.pop(slot, None)
        self._failed.pop(slot, None)

    def _each(self, slots: list[int], work: Callable[[int, int, "Guide"], None]) -> None:
        """`work(place, slot, guide)` for each slot that has not failed; what one raises is its own failure."""
        watch = Watch()
        for place, slot in enumerate(slots):
            guide = self._guides.get(slot)
            if guide is None:
                continue
            try:
                work(place, slot, guide)
                watch.check()
            except EXITS:
                raise
            except BaseException as error:
                self._fail(slot, error)
                watch = Watch()  # what it took is not the next one's

    def _fail(self, slot: int, error: BaseException) -> None:
        """Its sequence's alone. A panic of the grammar engine is no Exception."""
        reason = str(error)
        if not isinstance(error, GrammarError):
            reason = f"the grammar engine failed: {type(error).__name__}: {error}"
        self._guides.pop(slot, None)
        self._failed[slot] = (
            f"The output can no longer be held to its constraint: {shortened(reason)}"
        )


class Watch:
    """Ends one sequence's patience: the others of a step wait for it. By processor time, whatever the neighbours do.

    That clock takes as long to read as a small mask to make. So it is read only where the other says that it might tell
    something; what went before, it then counts by the other.
    """

    def __init__(self) -> None:
        self._used_s = time.thread_time()
        self._now_s = time.perf_counter()

    def check(self) -> None:
        """Called after each sequence. Raises GrammarError."""
        before_s, self._now_s = self._now_s, time.perf_counter()
        taken_s = self._now_s - before_s
        if taken_s > PATIENCE_S:
            used_s, self._used_s = self._used_s, time.thread_time()
            taken_s = self._used_s - used_s
            if taken_s > PATIENCE_S:
                raise GrammarError(f"it took {taken_s:.1f} s to find out which tokens may follow")
        else:
            self._used_s += taken_s
