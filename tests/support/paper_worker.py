"""A worker on paper: it runs plans as the protocol says, and checks every key and value that a row reads.

KV memory holds, for each place of each block, a fingerprint of the whole prefix whose token was computed there;
host memory holds what was swapped out of it.
"""

from array import array
from dataclasses import dataclass, field

from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.plan import RowFailure, RowLogprobs, SeqStart, StepPlan, StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack, unpack
from support.paper_model import next_token


@dataclass
class Slot:
    """What a worker remembers of one sequence."""

    tokens: list[int]
    num_prompt: int
    num_computed: int
    params: SamplingParams
    blocks: list[int] = field(default_factory=list)


@dataclass
class PaperWorker:
    """`execute` asserts whatever a real worker relies on."""

    num_blocks: int
    block_size: int
    max_num_seqs: int
    max_num_batched_tokens: int
    num_host_blocks: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)
    memory: dict[tuple[int, int], int] = field(default_factory=dict)
    host: dict[int, list[int | None]] = field(default_factory=dict)
    last_step: int = 0

    def execute(self, plan: StepPlan) -> StepResult:
        assert plan.step > self.last_step
        self.last_step = plan.step
        self._apply(plan)
        self._swap(pairs(plan.swaps_out), pairs(plan.swaps_in))
        rows = list(zip(unpack(plan.slots), unpack(plan.counts), strict=True))
        assert len({slot for slot, _ in rows}) == len(rows)
        assert sum(count for _, count in rows) <= self.max_num_batched_tokens
        for slot, _ in rows:
            self._reads_true(self.slots[slot])
        self._write(rows)
        for state in self.slots.values():
            self._reads_true(state)
        return self._sample(plan.step, rows)

    def _apply(self, plan: StepPlan) -> None:
        for slot in unpack(plan.frees):
            del self.slots[slot]
        for start in plan.starts:
            self._start(start)
        for grant in plan.grants:
            self.slots[grant.slot].blocks += unpack(grant.block_ids)
        for state in self.slots.values():
            assert len(set(state.blocks)) == len(state.blocks)
            assert all(0 <= block < self.num_blocks for block in state.blocks)

    def _swap(self, outs: list[tuple[int, int]], ins: list[tuple[int, int]]) -> None:
        """Those of one direction may be carried out in any order: none meets another."""
        assert len({host for _, host in outs}) == len({block for block, _ in outs}) == len(outs)
        assert len({block for block, _ in ins}) == len(ins)
        places = range(self.block_size)
        for block, host in outs:
            assert 0 <= host < self.num_host_blocks
            self.host[host] = [self.memory.get((block, place)) for place in places]
        for block, host in ins:
            for place, content in zip(places, self.host[host], strict=True):
                self.memory.pop((block, place), None)
                if content is not None:
                    self.memory[block, place] = content

    def _start(self, start: SeqStart) -> None:
        assert 0 <= start.slot < self.max_num_seqs
        assert start.slot not in self.slots
        tokens = unpack(start.token_ids)
        assert start.num_computed < len(tokens)
        assert 0 < start.num_prompt <= len(tokens)
        self.slots[start.slot] = Slot(tokens, start.num_prompt, start.num_computed, start.params)

    def _place(self, state: Slot, position: int) -> tuple[int, int]:
        return state.blocks[position // self.block_size], position % self.block_size

    def _reads_true(self, state: Slot) -> None:
        """Every computed place holds what this very prefix put there."""
        key = 0
        for position in range(state.num_computed):
            key = hash((key, state.tokens[position]))
            assert self.memory[self._place(state, position)] == key

    def _write(self, rows: list[tuple[int, int]]) -> None:
        written = set()
        for slot, count in rows:
            state = self.slots[slot]
            assert count > 0
            end = state.num_computed + count
            assert end <= len(state.tokens), "a row computes tokens that nobody knows"
            key = 0
            for position, token in enumerate(state.tokens[:end]):
                key = hash((key, token))
                if position >= state.num_computed:
                    place = self._place(state, position)
                    assert place not in written, "two rows write one place"
                    written.add(place)
                    self.memory[place] = key
            state.num_computed = end

    def _sample(self, step: int, rows: list[tuple[int, int]]) -> StepResult:
        sampled, logprobs, scores, failures = [], [], [], []
        for row, (slot, count) in enumerate(rows):
            state = self.slots[slot]
            first = state.num_computed - count
            if state.params.prompt_logprobs is not None and first + 1 < state.num_prompt:
                scored = range(first + 1, min(first + count + 1, state.num_prompt))
                scores.append(RowLogprobs(row, self._logprobs(state, scored)))
            if state.num_computed == len(state.tokens):
                token = next_token(state.params, state.tokens, state.num_prompt)
                state.tokens.append(token)
                sampled.append(token)
                if _breaks(state):
                    failures.append(RowFailure(row, "it broke"))
                if state.params.logprobs is not None:
                    places = range(len(state.tokens) - 1, len(state.tokens))
                    logprobs.append(RowLogprobs(row, self._logprobs(state, places)))
        return StepResult(step, pack(sampled), 0.001, logprobs, scores, failures)

    def _logprobs(self, state: Slot, positions: range) -> TokenLogprobs:
        """Width 2; ids are (the token, its position), so that a test sees which are which."""
        ids = [value for p in positions for value in (state.tokens[p], p)]
        values = array("f", [-0.5] * len(ids)).tobytes()
        return TokenLogprobs(2, pack(ids), values, pack([1] * len(positions)))


def pairs(packed: bytes) -> list[tuple[int, int]]:
    """(block, host block)"""
    ids = unpack(packed)
    return list(zip(ids[::2], ids[1::2], strict=True))


def _breaks(state: Slot) -> bool:
    """A constraint whose text begins with "breaks" does so from the third token on."""
    constraint = state.params.constraint
    is_brittle = constraint is not None and constraint.text.startswith("breaks")
    return is_brittle and len(state.tokens) - state.num_prompt > 2
