"""Blocks out and back in, in any order that a device's two queues may choose, against copying one after the other."""

import random

import pytest
import torch
from support.shuffled_queues import ShuffledQueues

from penstock.protocol.errors import SettingsError
from penstock.protocol.token_ids import pack
from penstock.workers.host_copies.queues import CpuQueues
from penstock.workers.host_copies.swapper import Swapper

NUM_BLOCKS, NUM_HOST_BLOCKS = 12, 7
SHAPES = ((NUM_BLOCKS, 6), (NUM_BLOCKS, 6), (NUM_BLOCKS, 6))


class Naive:
    """All at once, as the protocol says it."""

    def __init__(self, pages: list[torch.Tensor]) -> None:
        self.pages = [page.clone() for page in pages]
        self.host: dict[int, list[torch.Tensor]] = {}

    def step(
        self, outs: list[tuple[int, int]], ins: list[tuple[int, int]], blocks: list[int], value: int
    ) -> None:
        for block, host in outs:
            self.host[host] = [page[block].clone() for page in self.pages]
        for block, host in ins:
            for page, content in zip(self.pages, self.host[host], strict=True):
                page[block] = content
        compute(self.pages, blocks, value)


def compute(pages: list[torch.Tensor], blocks: list[int], value: int) -> None:
    """A step: what it writes depends on all that it reads, and so on what lay there before."""
    total = sum(int(page.double().sum()) for page in pages) % 31
    for page in pages:
        page[blocks] = value + total


def flat(pairs: list[tuple[int, int]]) -> bytes:
    return pack([number for pair in pairs for number in pair])


def random_pairs(dice: random.Random, hosts: list[int]) -> list[tuple[int, int]]:
    chosen = dice.sample(hosts, dice.randint(0, len(hosts)))
    return list(zip(dice.sample(range(NUM_BLOCKS), len(chosen)), chosen, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("room", [1, 2, 100])
def test_any_order_of_the_queues_gives_what_one_after_the_other_does(
    dtype: torch.dtype, room: int
) -> None:
    num_overtaken = 0
    for seed in range(25):
        dice = random.Random(seed)
        pages = [torch.randint(0, 200, shape).to(dtype) for shape in SHAPES]
        real = [page.clone() for page in pages]
        queues, naive = ShuffledQueues(dice), Naive([p.to(torch.float32) for p in pages])
        block_bytes = sum(page[0].nbytes for page in pages)
        swapper = Swapper(real, NUM_HOST_BLOCKS, queues, room * block_bytes)
        for value in range(8):
            outs = random_pairs(dice, list(range(NUM_HOST_BLOCKS)))
            known = sorted({*naive.host, *(host for _, host in outs)})
            ins, blocks = random_pairs(dice, known), dice.sample(range(NUM_BLOCKS), 4)
            naive.step(outs, ins, blocks, value)
            naive.pages = [page.to(dtype).to(torch.float32) for page in naive.pages]
            swapper.carry_out(flat(outs), flat(ins))
            queues.compute.run(lambda b=blocks, v=value, r=real, d=dtype: step(r, b, v, d))
            queues.advance(dice.randint(0, 30))
        queues.finish()
        num_overtaken += queues.num_overtaken
        for page, expected in zip(real, naive.pages, strict=True):
            assert torch.equal(page.to(torch.float32), expected)
    assert num_overtaken > 0, "steps and copies must have been in each other's company"


def step(pages: list[torch.Tensor], blocks: list[int], value: int, dtype: torch.dtype) -> None:
    """`compute` in float32, for dtypes without sums."""
    wide = [page.to(torch.float32) for page in pages]
    compute(wide, blocks, value)
    for page, result in zip(pages, wide, strict=True):
        page.copy_(result.to(dtype))


def test_a_cpu_has_copied_when_the_call_returns() -> None:
    page = torch.arange(20.0).view(5, 4)
    swapper = Swapper([page], 3, CpuQueues())
    swapper.carry_out(flat([(1, 2), (4, 0)]), b"")
    page[:] = -1
    swapper.carry_out(b"", flat([(0, 2), (3, 0), (2, 2)]))
    assert page[0].tolist() == page[2].tolist() == [4, 5, 6, 7]
    assert page[3].tolist() == [16, 17, 18, 19]
    assert page[1].tolist() == page[4].tolist() == [-1] * 4


def test_host_memory_that_cannot_be_had_names_the_flag() -> None:
    class Poor(CpuQueues):
        def on_host(self, shape: tuple[int, ...]) -> torch.Tensor:
            raise MemoryError("the system would not page-lock 3 bytes")

    with pytest.raises(SettingsError, match=r"--swap-space: .* 3 bytes; lower it"):
        Swapper([torch.zeros(2, 2)], 4, Poor())
