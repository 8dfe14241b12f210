"""For how many rows there are graphs, and what memory they may take. Knows no tensors and no device."""

from penstock.workers.extent import NARROW, Extent

MOST_ROWS = 512
_FINE = 256
GRAPH_BYTES = 8 << 20
"""Set aside for what a driver keeps of each graph, beside the memory that it works in. Not measured."""


def sizes_up_to(most_rows: int) -> tuple[int, ...]:
    """1, 2, 4, every eighth, beyond 256 every sixteenth; and the most itself."""
    steps = {1, 2, 4, *range(8, _FINE, 8), *range(_FINE, MOST_ROWS + 1, 16)}
    return (*sorted(size for size in steps if size < most_rows), most_rows)


def bytes_of_graphs(most_rows: int, num_blocks: int, row_bytes: int, step_bytes: int) -> int:
    """What all of them may take: the memory of the largest step, which they share, inputs, output (`row_bytes` of each
    row), and what is kept of each."""
    rows = min(most_rows, MOST_ROWS)
    inputs = extent_of_rows(rows, num_blocks).num_bytes + rows * num_blocks * NARROW
    return step_bytes + inputs + rows * row_bytes + len(sizes_up_to(rows)) * GRAPH_BYTES


def extent_of_rows(num_rows: int, num_blocks: int) -> Extent:
    """Of rows of one token that all sample."""
    return Extent(num_rows, num_rows, num_rows, num_blocks)
