"""What preempted sequences will need again, and the host memory for it. Knows blocks, not tokens or turns.

A preempted sequence leaves its content where it lies. Only when a block of it is about to hold something else is
the content copied to the host block that was set aside for it:

    running --keep--> in its block --the block is taken: copied out--> in host memory
                           |                                               |
                           +-- found again, nothing is copied              +-- copied into a fresh block

A plan's copies out come before its copies in, and both before its rows: so a block may be copied out and hold
something else in one plan, and what was just copied out may come back in it.
"""

from collections.abc import Iterable

from penstock.engine_core.blocks import Block, Kept
from penstock.engine_core.sequence import Sequence
from penstock.protocol.token_ids import pack


class SwapSpace:
    """Host blocks. `keep`, then `copy_out` and `copy_in` as it comes, then `release`, is a sequence's way."""

    def __init__(self, num_blocks: int) -> None:
        self.num_blocks = num_blocks
        self.num_copied_out = 0
        self.num_copied_in = 0
        self.num_restored_tokens = 0
        """That were not computed again, beyond what the prefix cache had."""
        self.reset()

    def reset(self) -> None:
        """All content is gone, as it is with new workers. Sequences are told elsewhere."""
        self.num_sequences = 0
        self.era = 0
        """Grows when prefixes are dropped: what was kept before is its sequence's alone."""
        self._num_touched = 0
        self._returned: list[int] = []
        self._outs: list[int] = []
        self._ins: list[int] = []

    @property
    def num_free(self) -> int:
        return self.num_blocks - self._num_touched + len(self._returned)

    @property
    def usage(self) -> float:
        """Share of the host blocks that are set aside, 0 to 1."""
        return 1.0 - self.num_free / self.num_blocks if self.num_blocks else 0.0

    def keep(self, sequence: Sequence, block_size: int) -> None:
        """Of a sequence that is about to be preempted: its computed blocks, the first as far as there is room."""
        num_blocks = -(-sequence.num_computed // block_size)
        for block in sequence.blocks[:num_blocks]:
            kept = block.kept or self._set_aside(block)
            if kept is None:
                break
            kept.num_refs += 1
            sequence.kept.append(kept)
        sequence.num_kept = min(sequence.num_computed, len(sequence.kept) * block_size)
        self.num_sequences += bool(sequence.kept)

    def _set_aside(self, block: Block) -> Kept | None:
        if not self.num_free:
            return None
        if self._returned:
            host_id = self._returned.pop()
        else:
            host_id, self._num_touched = self._num_touched, self._num_touched + 1
        block.kept = Kept(block, host_id, self.era)
        return block.kept

    def copy_out(self, block: Block) -> None:
        """What is kept in `block` must leave it: the plan being made gives it away."""
        kept, block.kept = block.kept, None
        assert kept is not None
        self._outs += (block.id, kept.host_id)
        self.num_copied_out += 1
        kept.block = None

    def copy_in(self, kept: Kept, block: Block) -> None:
        """`block` is to hold it before any row of the plan being made reads it."""
        self._ins += (block.id, kept.host_id)
        self.num_copied_in += 1

    def release(self, sequence: Sequence) -> None:
        """It runs again, or never will. Its host blocks are free from the next preemption on."""
        self.num_sequences -= bool(sequence.kept)
        for kept in sequence.kept:
            kept.num_refs -= 1
            if not kept.num_refs:
                self._returned.append(kept.host_id)
                if kept.block is not None:
                    kept.block.kept = None
        sequence.forget_kept()

    def take_copies(self) -> tuple[bytes, bytes]:
        """Packed pairs (block, host block) of the plan that is finished: out, and in."""
        outs, ins = pack(self._outs), pack(self._ins)
        self._outs, self._ins = [], []
        return outs, ins

    def check(self, waiting: Iterable[Sequence], blocks: Iterable[Block]) -> None:
        """Re-derives every count from the sequences that wait. For tests, between plans."""
        assert not self._outs
        assert not self._ins
        refs: dict[Kept, int] = {}
        owners = [sequence for sequence in waiting if sequence.kept]
        for sequence in owners:
            for kept in sequence.kept:
                refs[kept] = refs.get(kept, 0) + 1
        assert self.num_sequences == len(owners)
        assert all(kept.num_refs == count for kept, count in refs.items())
        assert {kept.block for kept in refs if kept.block} == {b for b in blocks if b.kept}
        assert all(kept.block is None or kept.block.kept is kept for kept in refs)
        host_ids = [kept.host_id for kept in refs] + self._returned
        assert sorted(host_ids) == list(range(self._num_touched))
        assert self._num_touched <= self.num_blocks
