"""Which KV-cache blocks a sequence holds, and which it can share. Knows tokens by their hashes, not what computes them.

A full block is indexed by a digest chained over (digest of the block before it, its tokens), rooted in the
request's salt and adapter, so that equal digests mean equal prefixes:

    tokens   [ t0 .. t15 ][ t16 .. t31 ][ t32 .. ]
    digests    d0 = H(root, t0..15)  d1 = H(d0, t16..31)   (not full: none)

A freed block keeps its digest, and so its content, until `allocate` takes it for something else. Content that a
preempted sequence will need again is copied out then (swap_space.py).
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from penstock.engine_core.blocks import Block, FreeList, Kept
from penstock.engine_core.sequence import Sequence
from penstock.engine_core.swap_space import SwapSpace

DIGEST_BYTES = 16


class Found(NamedTuple):
    """How a sequence that waits can begin; nothing is taken yet.

    tokens   [ matched ........ ][ kept ....... ]
                                                ^ num_tokens
    """

    matched: list[Block]
    """Indexed blocks, which it may share."""
    kept: list[Kept]
    """Beyond them: what it had computed before it was preempted."""
    num_tokens: int

    @property
    def in_place(self) -> list[Block]:
        """Blocks that hold what it needs already."""
        return self.matched + [kept.block for kept in self.kept if kept.block]


class KVCache:
    """All blocks of the deployment. `find`, `allocate`, `commit` and `free` are called in that order of life."""

    def __init__(
        self, num_blocks: int, block_size: int, prefix_caching: bool, num_host_blocks: int = 0
    ) -> None:
        self.num_blocks = num_blocks
        self.block_size = block_size
        self.prefix_caching = prefix_caching
        self.num_queried_tokens = 0
        self.num_hit_tokens = 0
        self.num_recomputed_tokens = 0
        """Computed before, and lost: by preemptions, or with workers."""
        self.swap = SwapSpace(num_host_blocks)
        self.reset()

    def reset(self) -> None:
        """All content is gone, as it is with new workers."""
        self._blocks: list[Block] = []  # those ever used: a large cache costs nothing until then
        self._index: dict[bytes, Block] = {}
        self._fresh: set[bytes] = set()
        self._free = FreeList()
        self.swap.reset()

    @property
    def num_free(self) -> int:
        return len(self._free) + self.num_blocks - len(self._blocks)

    @property
    def usage(self) -> float:
        """Share of the blocks that sequences hold, 0 to 1."""
        return 1.0 - self.num_free / self.num_blocks

    def blocks_for(self, num_tokens: int) -> int:
        return -(-num_tokens // self.block_size)

    def find(self, sequence: Sequence) -> Found:
        """What the sequence need not compute."""
        matched = self.match(sequence)
        num_matched = len(matched) * self.block_size
        if num_matched >= sequence.num_kept:
            return Found(matched, [], num_matched)
        return Found(matched, sequence.kept[len(matched) :], sequence.num_kept)

    def match(self, sequence: Sequence) -> list[Block]:
        """The indexed blocks that hold the sequence's beginning, never its last token; nothing is taken yet."""
        if not self.prefix_caching or sequence.params.prompt_logprobs is not None:
            return []
        found: list[Block] = []
        for digest in self._digests(sequence, (len(sequence.tokens) - 1) // self.block_size):
            block = self._index.get(digest)
            if block is None:
                break
            found.append(block)
        return found

    def begin_step(self) -> None:
        """Blocks committed until now are computed before anything in the plan that comes next."""
        self._fresh.clear()

    def is_fresh(self, found: Found) -> bool:
        """Whether the very plan being made computes a part of it: a row of that plan must not read it."""
        return bool(self._fresh) and any(block.digest in self._fresh for block in found.matched)

    def can_take(self, found: Found, num_tokens: int) -> bool:
        """Whether what was found and fresh blocks for the rest of `num_tokens` can all be had."""
        in_place = found.in_place
        num_revived = sum(1 for block in in_place if not block.num_refs)
        fresh = self.blocks_for(num_tokens) - len(in_place)
        return fresh + num_revived <= self.num_free

    def take(self, sequence: Sequence, found: Found) -> None:
        """The sequence begins with what was found; those tokens count as computed."""
        assert not sequence.blocks
        for block in found.in_place:
            if not block.num_refs:
                self._free.remove(block)
            block.num_refs += 1
        sequence.blocks = found.matched + [k.block or self._bring_back(k) for k in found.kept]
        sequence.num_computed = found.num_tokens
        sequence.num_committed = self._num_named(found)
        self.swap.num_restored_tokens += found.num_tokens - len(found.matched) * self.block_size
        self.num_recomputed_tokens += max(0, sequence.num_forgotten - found.num_tokens)
        self.swap.release(sequence)

    def _bring_back(self, kept: Kept) -> Block:
        block = self._take_blank()
        self.swap.copy_in(kept, block)
        return block

    def _num_named(self, found: Found) -> int:
        """Of its blocks, the first ones that `commit` is to leave alone: others may find no dropped prefixes."""
        is_dropped = any(kept.era != self.swap.era for kept in found.kept)
        return found.num_tokens // self.block_size if is_dropped else len(found.matched)

    def count_query(self, sequence: Sequence) -> None:
        """For the hit rate: a sequence that begins for the first time."""
        self.num_queried_tokens += len(sequence.tokens)
        self.num_hit_tokens += sequence.num_computed

    def allocate(self, sequence: Sequence, num_tokens: int) -> list[int] | None:
        """Ids of the blocks that it takes to hold `num_tokens`; None, and nothing taken, if they are not free."""
        fresh = self.blocks_for(num_tokens) - len(sequence.blocks)
        if fresh > self.num_free:
            return None
        taken = [self._take_blank() for _ in range(fresh)]
        sequence.blocks += taken
        return [block.id for block in taken]

    def _take_blank(self) -> Block:
        """A block that holds nothing, one never used, or else the one whose content is the oldest."""
        block = self._free.oldest
        if (block is None or not block.is_blank) and len(self._blocks) < self.num_blocks:
            block = Block(len(self._blocks))
            self._blocks.append(block)
        else:
            assert block is not None
            self._free.remove(block)
            self._forget(block)
            if block.kept:
                self.swap.copy_out(block)
        block.num_refs = 1
        return block

    def commit(self, sequence: Sequence) -> None:
        """Indexes the blocks whose tokens are all known and computed by the plans sent so far.

        tokens     [ known ......................... ]
        computed   [ by plans sent ........ ]
        blocks     [ committed ][ now ][ not full ]
        """
        full = sequence.num_computed // self.block_size
        if full <= sequence.num_committed or not self.prefix_caching:
            return
        full = min(full, len(sequence.tokens) // self.block_size)
        digests = self._digests(sequence, full)
        for i in range(sequence.num_committed, full):
            self._name(sequence.blocks[i], digests[i])
        sequence.num_committed = full

    def keep(self, sequence: Sequence) -> None:
        """It is preempted: what it has computed is kept beyond `free`, as far as there is swap space."""
        if self.swap.num_blocks:
            self.swap.keep(sequence, self.block_size)

    def free(self, sequence: Sequence) -> None:
        """Gives the sequence's blocks back, the last first, so that prefixes outlive tails.

        A block that nobody could find again goes before all that hold something.
        """
        for block in reversed(sequence.blocks):
            block.num_refs -= 1
            if not block.num_refs:
                give = self._free.prepend if block.is_blank else self._free.append
                give(block)
        sequence.forget_computed()

    def drop_prefixes(self) -> None:
        """New sequences find nothing of what was computed until now; those that hold blocks keep them."""
        self.swap.era += 1
        for block in self._blocks:
            self._forget(block)

    def _digests(self, sequence: Sequence, count: int) -> list[bytes]:
        """Those of the first `count` full blocks (and those known already: do not rely on the length)."""
        digests = sequence.digests
        for i in range(len(digests), count):
            parent = digests[-1] if digests else root_digest(sequence.salt)
            span = sequence.tokens[i * self.block_size : (i + 1) * self.block_size]
            digests.append(
                hashlib.blake2b(parent + span.tobytes(), digest_size=DIGEST_BYTES).digest()
            )
        return digests if len(digests) == count else digests[:count]

    def _name(self, block: Block, digest: bytes) -> None:
        assert block.digest in (None, digest)
        if digest not in self._index:
            self._index[digest] = block
            self._fresh.add(digest)
            block.digest = digest

    def _forget(self, block: Block) -> None:
        if block.digest is not None:
            del self._index[block.digest]
            block.digest = None

    def check(self, sequences: list[Sequence], waiting: Iterable[Sequence] = ()) -> None:
        """Re-derives every count from the sequences that hold blocks, and from those that wait."""
        refs = [0] * len(self._blocks)
        for sequence in sequences:
            assert len(sequence.blocks) >= self.blocks_for(sequence.num_computed)
            for block in sequence.blocks:
                refs[block.id] += 1
        assert [block.num_refs for block in self._blocks] == refs
        free = {block.id for block in self._free}
        assert free == {i for i, count in enumerate(refs) if not count}
        assert len(free) == len(self._free)
        named = {block.digest: block for block in self._blocks if block.digest is not None}
        assert named == self._index
        self.swap.check(waiting, self._blocks)


def root_digest(salt: str, adapter: str = "") -> bytes:
    """Where a chain of digests begins: requests share nothing across salts or adapters."""
    text = f"{len(salt)}:{salt}{adapter}".encode()
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()
