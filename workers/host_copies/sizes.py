"""Which layers are away, and what copies take of a device. Knows numbers of bytes, no tensors."""

from collections.abc import Sequence

NUM_AREAS = 2
"""On the device, that layers which are away take turns in."""
STAGING_BYTES = 64 << 20
"""Of each of the two, where a block is not larger."""
NUM_STAGINGS = 2


def choose_layers(layer_bytes: Sequence[int], wanted: int) -> list[int]:
    """As few as leave `wanted` bytes fewer on the device, areas counted; all, if that cannot be. Evenly spread, so
    that each copy has as much to hide behind."""
    if wanted <= 0:
        return []
    num_layers = len(layer_bytes)
    for count in range(1, num_layers + 1):
        chosen = [(i + 1) * num_layers // count - 1 for i in range(count)]
        if saved_bytes([layer_bytes[i] for i in chosen]) >= wanted:
            return chosen
    return list(range(num_layers)) if num_layers > NUM_AREAS else []


def saved_bytes(away: Sequence[int]) -> int:
    """What a device is spared that holds areas for layers of these sizes, and not the layers."""
    return sum(away) - min(NUM_AREAS, len(away)) * max(away, default=0)


def bytes_of_stagings(num_host_blocks: int, block_bytes: int) -> int:
    """What a swapper takes of the device; nothing where no blocks are swapped."""
    return (
        NUM_STAGINGS * staging_room(num_host_blocks, block_bytes) * block_bytes
        if num_host_blocks
        else 0
    )


def staging_room(num_host_blocks: int, block_bytes: int, staging_bytes: int = STAGING_BYTES) -> int:
    """Blocks of a staging."""
    return max(1, min(num_host_blocks, staging_bytes // block_bytes))
