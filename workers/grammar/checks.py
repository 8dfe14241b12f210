"""Tokens held to their constraints once they are drawn, for tokens that are at hand at once. Knows no grammar.

    step k samples  ->  refused(slots, tokens)      asks of each whether it may come: a tenth of a mask's work;
                                                    masks for those that may not, which draw once more among what may
                    ->  push(slots, tokens)
    step k+1        ->  its forward pass            the thread: masks that take long, for slots that are often refused

A model that has learned its format is seldom refused, and then hardly ever needs a mask.
"""

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from penstock.workers.grammar.answers import Answers, Ints, Watch
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.side_thread import EXITS

if TYPE_CHECKING:
    from penstock.workers.grammar.guide import Guide

OFTEN = 3
"""Refusals one after another. To make a mask that nobody wants costs as much as to wait for one."""
WORTHWHILE_S = 0.0001
"""A mask's time. To wake a thread for less costs more than it brings: of brook's vocabulary one takes 10 to 30 us."""


class Checks(Answers):
    """One step at a time: `refused`, then for those `push`, then `advance` for all."""

    def __init__(self, num_slots: int, compiler: Compiler) -> None:
        super().__init__(num_slots, compiler)
        self._in_a_row: dict[int, int] = {}
        """How often a slot has been refused since it last was not."""
        self._made: set[int] = set()
        """Slots whose masks are there already."""
        self._usual_s = 0.0
        """What a mask takes."""

    def refused(self, slots_N: Ints, token_ids_N: Ints) -> Ints:
        """Places of tokens that may not come; each of these slots has a mask then. The other tokens have been said."""
        self._thread.wait()
        slots = slots_N.tolist()
        found = self._ask(slots, token_ids_N.tolist())
        refused = [slots[place] for place in found]
        self._in_a_row = {slot: self._in_a_row.get(slot, 0) + 1 for slot in refused}
        self._made.clear()
        return np.array(found, dtype=np.int64)

    def _ask(self, slots: list[int], tokens: list[int]) -> list[int]:
        """In one loop, since it stands between all sequences' tokens and their next step."""
        guides, found, watch = self._guides, list[int](), Watch()
        for place, slot in enumerate(slots):
            if (guide := guides.get(slot)) is None:
                continue
            try:
                if not guide.take(tokens[place]):
                    self._fill(slot, guide)
                    found.append(place)
                watch.check()
            except EXITS:
                raise
            except BaseException as error:
                self._fail(slot, error)
                watch = Watch()
        return [place for place in found if slots[place] in guides]

    def push(self, slots_N: Ints, token_ids_N: Ints) -> None:
        """What the refused have drawn by their masks."""
        tokens = token_ids_N.tolist()
        self._each(slots_N.tolist(), lambda place, _, guide: guide.push(tokens[place]))

    def advance(self, slots_N: Ints, _token_ids_N: Ints) -> None:
        """The step is over for these slots."""
        if self._usual_s < WORTHWHILE_S:
            return
        often = [slot for slot, times in self._in_a_row.items() if times >= OFTEN]
        if often:
            self._thread.do(partial(self._make, often))

    # ---- in the thread, or while it rests

    def _make(self, slots: list[int]) -> None:
        self._each(slots, lambda _, slot, guide: self._fill(slot, guide))

    def _fill(self, slot: int, guide: "Guide") -> None:
        if slot in self._made:
            return
        begun = time.perf_counter()
        guide.fill(self._rows[slot])
        self._made.add(slot)
        self._usual_s += (time.perf_counter() - begun - self._usual_s) / 8

    def _forget(self, slot: int) -> None:
        super()._forget(slot)
        self._in_a_row.pop(slot, None)
        self._made.discard(slot)
