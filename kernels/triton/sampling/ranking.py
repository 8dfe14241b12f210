"""Entries of a row by falling value, ties by the lower id, as far as a question needs it. Knows no sampling.

Nothing is sorted. Only blocks that can hold an answer are looked at, listed once by ascending number; the value at
which a running sum passes a target is then found by eight pivots at a time.
"""

import triton
import triton.language as tl

from penstock.kernels.triton.sampling.logits import BLOCK, key_of, read, weight_of

TILE: tl.constexpr = tl.constexpr(1024)
"""Entries that are looked at together."""
PIVOTS: tl.constexpr = tl.constexpr(8)
_ROUNDS: tl.constexpr = tl.constexpr(24)


@triton.jit
def nth_largest_bound(keys, count, low, high):
    """A key that `count` of `keys` reach; not below `low`, or `low` where there are fewer. None exceeds `high`."""
    found = high * 0 + low
    above = high + 1
    for _ in range(_ROUNDS):
        middle = (found + above) // 2
        enough = tl.sum((keys >= middle).to(tl.int32), axis=0) >= count
        found = tl.where(enough, middle, found)
        above = tl.where(enough, above, middle)
    return found


@triton.jit
def list_blocks(keys, bound, list_ptr, ALL_BLOCKS: tl.constexpr):
    """Writes the numbers of the blocks whose maxima reach the bound, and returns how many they are."""
    wanted = (keys >= bound).to(tl.int32)
    places = tl.cumsum(wanted, axis=0) - wanted
    tl.store(list_ptr + places, tl.arange(0, ALL_BLOCKS), mask=wanted > 0)
    tl.debug_barrier()  # the other threads' numbers are read next
    return tl.sum(wanted, axis=0)


@triton.jit
def ids_of_tile(list_ptr, tile, num_listed):
    """The ids of TILE entries of the listed blocks, ascending; beyond the list, ids that no row has."""
    entries = tile * TILE + tl.arange(0, TILE)
    blocks = tl.load(list_ptr + entries // BLOCK, mask=entries // BLOCK < num_listed, other=1 << 23)
    return blocks * BLOCK + entries % BLOCK


@triton.jit
def _weights_reaching(
    row_ptr, size, list_ptr, num_listed, pivots, best, inverse, least, COUNT: tl.constexpr
):
    """For each pivot, what all entries weigh together whose keys are not below it; or how many they are."""
    sums = tl.zeros([PIVOTS], tl.int64)
    for tile in range(tl.cdiv(num_listed * BLOCK, TILE)):
        ids = ids_of_tile(list_ptr, tile, num_listed)
        values = read(row_ptr, ids, size)
        weights = (ids < size).to(tl.int64) if COUNT else weight_of(values, best, inverse, least)
        reaching = key_of(values)[:, None] >= pivots[None, :]
        sums += tl.sum(tl.where(reaching, weights[:, None], 0), axis=0)
    return sums


@triton.jit
def total_reaching(row_ptr, size, list_ptr, num_listed, key, best, inverse, least):
    """What all entries weigh together whose keys are not below this one."""
    pivots = tl.zeros([PIVOTS], tl.int64) + key
    sums = _weights_reaching(
        row_ptr, size, list_ptr, num_listed, pivots, best, inverse, least, False
    )
    return tl.max(sums, axis=0)


@triton.jit
def find_passing(
    row_ptr, size, list_ptr, num_listed, target, low, best, inverse, least, COUNT: tl.constexpr
):
    """The largest key with which the sum of all that reach it passes the target, and the sum of what lies above.

    What reaches `low` passes it for sure.
    """
    high = key_of(best) + 1
    above = target * 0
    while high - low > 1:
        step = (high - low + PIVOTS - 1) // PIVOTS
        counting = tl.arange(0, PIVOTS)
        pivots = tl.minimum(low + step * (counting + 1), high)
        sums = _weights_reaching(
            row_ptr, size, list_ptr, num_listed, pivots, best, inverse, least, COUNT
        )
        passing = tl.sum((sums > target).to(tl.int64), axis=0)
        above = tl.sum(tl.where(counting == passing, sums, 0), axis=0)
        high = tl.minimum(low + step * (passing + 1), high)
        low = low + step * passing
    return low, above


@triton.jit
def nth_with_key(row_ptr, size, list_ptr, num_listed, key, n):
    """The id of entry number `n`, from 0 and by ascending id, of those with this very key."""
    found = n * 0
    before = n * 0
    for tile in range(tl.cdiv(num_listed * BLOCK, TILE)):
        ids = ids_of_tile(list_ptr, tile, num_listed)
        equal = ((key_of(read(row_ptr, ids, size)) == key) & (ids < size)).to(tl.int64)
        place = before + tl.cumsum(equal, axis=0) - equal
        found += tl.sum(tl.where((equal > 0) & (place == n), ids, 0).to(tl.int64), axis=0)
        before += tl.sum(equal, axis=0)
    return found
