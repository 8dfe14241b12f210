"""KV-cache blocks and the list of the free ones. Knows reference counts and age, not what a block holds."""

from collections.abc import Iterator


class Block:
    """One page of KV memory. Its id is fixed; `digest` names its content while it is in the prefix index.

    `kept` says that preempted sequences count on the content.
    """

    __slots__ = ("digest", "id", "kept", "newer", "num_refs", "older")

    def __init__(self, block_id: int) -> None:
        self.id = block_id
        self.num_refs = 0
        self.digest: bytes | None = None
        self.kept: Kept | None = None
        self.older: Block | None = None
        self.newer: Block | None = None

    @property
    def is_blank(self) -> bool:
        """Nobody could find again what it holds."""
        return self.digest is None and self.kept is None

    def __repr__(self) -> str:
        return f"Block({self.id}, refs={self.num_refs}, {'cached' if self.digest else 'blank'})"


class Kept:
    """What one block held when a preempted sequence left it, with the host block that is set aside for it.

    It lies in `block`, and once that is None on the host; `num_refs` preempted sequences count on it.
    """

    __slots__ = ("block", "era", "host_id", "num_refs")

    def __init__(self, block: Block, host_id: int, era: int) -> None:
        self.block: Block | None = block
        self.host_id = host_id
        self.era = era
        self.num_refs = 0


class FreeList:
    """Free blocks from the least to the most recently freed. Every operation is O(1).

    The links live in the blocks, so that a block in the middle leaves when a prefix match revives it:

        head <-> oldest <-> ... <-> newest <-> head
    """

    def __init__(self) -> None:
        self._head = Block(-1)
        self._head.older = self._head.newer = self._head
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Block]:
        """From the oldest to the newest."""
        block = self._head.newer
        while block is not None and block is not self._head:
            yield block
            block = block.newer

    @property
    def oldest(self) -> Block | None:
        block = self._head.newer
        return block if block is not self._head else None

    def append(self, block: Block) -> None:
        """`block` becomes the newest."""
        self._insert(block, self._head)

    def prepend(self, block: Block) -> None:
        """`block` becomes the oldest."""
        assert self._head.newer is not None
        self._insert(block, self._head.newer)

    def _insert(self, block: Block, newer: Block) -> None:
        assert block.newer is None, f"{block} is free already"
        assert newer.older is not None
        block.older, block.newer = newer.older, newer
        newer.older.newer = newer.older = block
        self._length += 1

    def remove(self, block: Block) -> None:
        assert block.older is not None
        assert block.newer is not None, f"{block} is not free"
        block.older.newer, block.newer.older = block.newer, block.older
        block.older = block.newer = None
        self._length -= 1
