"""The scheduler's rules once more, slow and obvious: every quantity is searched for when it is needed.

Shares no code with `penstock.engine_core`. Blocks are numbers, contents are whole prefixes, the free list is a
list, and who holds a block is found by asking everyone.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class GoldKept:
    """What a preempted sequence left in a block; `block` is None once another took that."""

    block: int | None
    is_own: bool = False


@dataclass(eq=False)
class GoldSequence:
    name: Any
    tokens: list[int]
    num_prompt: int
    order: tuple[int, int]
    limit: int
    salt: str
    reads_cache: bool
    tenant: str = ""
    computed: int = 0
    pending: int = 0
    blocks: list[int] = field(default_factory=list)
    num_named: int = 0
    kept: list[GoldKept] = field(default_factory=list)
    num_kept: int = 0

    @property
    def target(self) -> int:
        return len(self.tokens) + self.pending


@dataclass
class Decision:
    """What one step does: (name, count) rows, (name, computed) starts, and who lost its blocks."""

    rows: list[tuple[Any, int]] = field(default_factory=list)
    starts: list[tuple[Any, int]] = field(default_factory=list)
    preempted: list[Any] = field(default_factory=list)


class GoldScheduler:
    def __init__(self, config: Any) -> None:
        self.config = config
        self.running: list[GoldSequence] = []
        self.waiting: list[GoldSequence] = []
        self.chunk_bound: int | None = None
        self.weights: dict[str, float] = {}
        self.served: dict[tuple[int, str], int] = {}
        self.last_to_wait: dict[int, tuple[int, str]] = {}
        self.forget_memory()

    def forget_memory(self) -> None:
        self.free = list(range(self.config.num_blocks))
        self.content: dict[int, Any] = {}

    # ---- blocks

    def blocks_of(self, num_tokens: int) -> int:
        return (num_tokens + self.config.block_size - 1) // self.config.block_size

    def prefix(self, sequence: GoldSequence, num_blocks: int) -> Any:
        return sequence.salt, tuple(sequence.tokens[: num_blocks * self.config.block_size])

    def find(self, content: Any) -> int | None:
        return next((block for block, held in self.content.items() if held == content), None)

    def match(self, sequence: GoldSequence) -> list[int]:
        found: list[int] = []
        if not self.config.prefix_caching or not sequence.reads_cache:
            return found
        while (len(found) + 1) * self.config.block_size < len(sequence.tokens):
            block = self.find(self.prefix(sequence, len(found) + 1))
            if block is None:
                break
            found.append(block)
        return found

    def grow(self, sequence: GoldSequence, num_tokens: int) -> None:
        while len(sequence.blocks) < self.blocks_of(num_tokens):
            sequence.blocks.append(self.take_blank())

    def take_blank(self) -> int:
        block = self.free.pop(0)
        self.content.pop(block, None)
        for kept in self.all_kept():
            if kept.block == block:
                kept.block = None
        return block

    def name_blocks(self, sequence: GoldSequence) -> list[int]:
        """Full blocks of known and computed tokens get their content's name once, unless another bears it."""
        named = []
        if self.config.prefix_caching:
            full = min(sequence.computed, len(sequence.tokens)) // self.config.block_size
            for i in range(sequence.num_named, full):
                sequence.num_named = i + 1
                content = self.prefix(sequence, i + 1)
                if self.find(content) is None:
                    self.content[sequence.blocks[i]] = content
                    named.append(sequence.blocks[i])
        return named

    def give_back(self, sequence: GoldSequence) -> None:
        for block in reversed(sequence.blocks):
            if not any(block in other.blocks for other in self.running if other is not sequence):
                is_kept = any(kept.block == block for kept in self.all_kept())
                is_of_use = block in self.content or is_kept
                self.free.insert(len(self.free) if is_of_use else 0, block)
        sequence.blocks, sequence.computed, sequence.num_named = [], 0, 0

    # ---- swap space: every kept block of those that wait has a host block to itself

    def all_kept(self) -> list[GoldKept]:
        return [kept for sequence in self.waiting for kept in sequence.kept]

    def keep(self, sequence: GoldSequence) -> None:
        for block in sequence.blocks[: self.blocks_of(sequence.computed)]:
            found = [kept for kept in self.all_kept() if kept.block == block]
            if not found and len({*self.all_kept(), *sequence.kept}) == self.config.num_host_blocks:
                break
            sequence.kept.append(found[0] if found else GoldKept(block))
        size = self.config.block_size
        sequence.num_kept = min(sequence.computed, len(sequence.kept) * size)

    def drop_prefixes(self) -> None:
        self.content.clear()
        for kept in self.all_kept():
            kept.is_own = True

    # ---- tenants: one line for each in each class of priority, none is ever forgotten

    def line(self, sequence: GoldSequence) -> tuple[int, str]:
        return sequence.order[0], sequence.tenant

    def turn(self, sequence: GoldSequence) -> tuple[int, int, int]:
        priority, arrival = sequence.order
        return priority, self.served.get(self.line(sequence), 0), arrival

    def waits(self, line: tuple[int, str]) -> bool:
        return any(self.line(sequence) == line for sequence in self.waiting)

    def level(self, priority: int) -> int:
        """The lowest count of those who wait, else of who waited last."""
        lines = {self.line(sequence) for sequence in self.waiting}
        levels = [self.served.get(line, 0) for line in lines if line[0] == priority]
        last = self.last_to_wait.get(priority)
        return min(levels) if levels else self.served.get(last, 0) if last else 0

    def stop_waiting(self, sequence: GoldSequence) -> None:
        self.waiting.remove(sequence)
        if not self.waits(self.line(sequence)):
            self.last_to_wait[sequence.order[0]] = self.line(sequence)

    def charge(self, sequence: GoldSequence, work: int) -> None:
        line = self.line(sequence)
        cost = round(2**30 / self.weights.get(sequence.tenant, 1.0))
        self.served[line] = self.served.get(line, 0) + work * cost

    # ---- requests

    def add(self, sequence: GoldSequence) -> None:
        line = self.line(sequence)
        if not self.waits(line):
            self.served[line] = max(self.served.get(line, 0), self.level(line[0]))
        self.waiting.append(sequence)

    def remove(self, sequence: GoldSequence) -> None:
        if sequence in self.running:
            self.give_back(sequence)
            self.running.remove(sequence)
        elif sequence in self.waiting:
            self.stop_waiting(sequence)

    def crash(self) -> None:
        for sequence in self.running:
            sequence.blocks, sequence.computed, sequence.num_named = [], 0, 0
        self.waiting += self.running
        self.running = []
        for sequence in self.waiting:
            sequence.pending = 0
            sequence.kept, sequence.num_kept = [], 0
        self.forget_memory()

    def took(self, sequence: GoldSequence, token: int) -> None:
        sequence.tokens.append(token)
        if sequence in self.running:
            self.name_blocks(sequence)

    # ---- the decision

    def decide(self) -> Decision:
        decision = Decision()
        budget = self.config.max_num_batched_tokens
        decoding = [s for s in self.running if s.target - s.computed == 1]
        prompts = len(self.running) - len(decoding) + len(self.waiting)
        self.prompts_left = budget
        if decoding and self.chunk_bound:
            self.prompts_left = min(budget, self.chunk_bound * max(1, prompts // len(decoding)))
        named_now: set[int] = set()
        groups = self.config.num_groups
        most_rows = (len(self.running) + groups - 1) // groups
        self.turns = {sequence.name: self.turn(sequence) for sequence in self.running}
        for sequence in sorted(self.running, key=self.turn):
            if sequence not in self.running or not budget:
                continue
            if len(decision.rows) == most_rows or (sequence.pending and groups > 1):
                continue
            if sequence.pending and sequence.target >= sequence.limit:
                continue
            missing = sequence.target - sequence.computed
            count = 1 if missing == 1 else self.share(missing, budget)
            if count and self.make_room(sequence, sequence.computed + count, decision):
                budget -= self.run(sequence, count, decision, named_now)
        while not decision.preempted and budget and len(self.running) < self.config.max_num_seqs:
            admitted = self.admit(budget, decision, named_now)
            if not admitted:
                break
            budget -= admitted
        return decision

    def share(self, missing: int, budget: int) -> int:
        if self.config.chunked_prefill:
            most = [missing, budget, max(0, self.prompts_left)]
            if self.config.long_prefill_token_threshold:
                most.append(self.config.long_prefill_token_threshold)
            return min(most)
        return missing if missing <= budget else 0

    def make_room(self, sequence: GoldSequence, num_tokens: int, decision: Decision) -> bool:
        while self.blocks_of(num_tokens) - len(sequence.blocks) > len(self.free):
            victim = max(self.running, key=lambda s: self.turns[s.name])
            self.keep(victim)
            self.running.remove(victim)
            self.waiting.append(victim)
            self.give_back(victim)
            decision.preempted.append(victim.name)
            if victim is sequence:
                return False
        self.grow(sequence, num_tokens)
        return True

    def admit(self, budget: int, decision: Decision, named_now: set[int]) -> int:
        if not self.waiting:
            return 0
        sequence = min(self.waiting, key=self.turn)
        matched = self.match(sequence)
        known = len(matched) * self.config.block_size
        kept = sequence.kept[len(matched) :] if sequence.num_kept > known else []
        if kept:
            known = sequence.num_kept
        here = matched + [k.block for k in kept if k.block is not None]
        count = self.share(len(sequence.tokens) - known, budget)
        needed = self.blocks_of(len(sequence.tokens)) - len(here)
        spare = len([block for block in self.free if block not in here])
        if sequence.pending or not count or named_now & set(matched) or needed > spare:
            return 0
        self.stop_waiting(sequence)
        self.running.append(sequence)
        self.free = [block for block in self.free if block not in here]
        sequence.kept, sequence.num_kept = [], 0
        places = [k.block for k in kept]
        sequence.blocks = matched + [self.take_blank() if b is None else b for b in places]
        sequence.computed = known
        is_own = any(k.is_own for k in kept)
        sequence.num_named = known // self.config.block_size if is_own else len(matched)
        decision.starts.append((sequence.name, sequence.computed))
        self.grow(sequence, sequence.computed + count)
        return self.run(sequence, count, decision, named_now)

    def run(
        self, sequence: GoldSequence, count: int, decision: Decision, named_now: set[int]
    ) -> int:
        decision.rows.append((sequence.name, count))
        sequence.computed += count
        if count > 1 or sequence.computed < sequence.target:
            self.prompts_left -= count
        samples = sequence.computed == sequence.target
        sequence.pending += samples
        self.charge(sequence, count + samples)
        named_now.update(self.name_blocks(sequence))
        return count
