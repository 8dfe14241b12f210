"""Packs token ids for the wire: little-endian uint32. Does not know what a token means."""

import sys
from array import array
from collections.abc import Iterable

BYTES_PER_ID = 4
_SWAP = sys.byteorder == "big"


def pack(ids: Iterable[int]) -> bytes:
    """Packs ids in 0..2**32-1 into 4 bytes each. Raises OverflowError outside that range."""
    packed = array("I", ids)
    if _SWAP:
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> list[int]:
    """The inverse of `pack`. Raises ValueError when `data` is not a whole number of ids."""
    ids = array("I")
    ids.frombytes(data)
    if _SWAP:
        ids.byteswap()
    return ids.tolist()


def count(data: bytes) -> int:
    """How many ids `data` holds."""
    return len(data) // BYTES_PER_ID
