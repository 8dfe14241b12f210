"""Layers that are away compute what they would have at home, however far the device's two queues run apart."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.shuffled_queues import ShuffledQueues
from torch import nn

from penstock.workers.host_copies.offload import Offload
from penstock.workers.host_copies.sizes import choose_layers, saved_bytes


class Adder(nn.Module):
    """Reads its weights when its turn on the device comes, not when it is called."""

    def __init__(self, number: int, queues: ShuffledQueues, seen: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3 + number % 4,), float(number)))
        self.scale = nn.Parameter(torch.tensor([2.0], dtype=torch.bfloat16))
        self._queues, self._seen = queues, seen

    def forward(self) -> None:
        weight, scale = self.weight.data, self.scale.data
        self._queues.compute.run(lambda: self._seen.append(float(weight.mean() * scale[0])))


@pytest.mark.parametrize("chosen", [[0, 6], [3], [1, 4], [0, 2, 4], [2, 5, 6], list(range(7))])
def test_each_layer_reads_its_own_weights_in_every_pass(chosen: list[int]) -> None:
    num_overtaken = 0
    for seed in range(20):
        dice, seen = random.Random(seed), list[float]()
        queues = ShuffledQueues(dice)
        layers = [Adder(i, queues, seen) for i in range(7)]
        Offload(layers, chosen, queues)
        for _ in range(4):
            for layer in layers:
                layer()
                queues.advance(dice.randint(0, 6))
        queues.finish()
        num_overtaken += queues.num_overtaken
        assert seen == [2.0 * i for i in range(7)] * 4
    assert num_overtaken > 0


def test_a_pass_leaves_nothing_under_way() -> None:
    """So that the last mark of the compute queue stands behind every copy: a captured graph must be whole."""
    seen: list[float] = []
    queues = ShuffledQueues(random.Random(1))
    layers = [Adder(i, queues, seen) for i in range(6)]
    Offload(layers, [1, 3, 5], queues)
    for layer in layers:
        layer()
    while queues.compute.todo:
        queues.advance(1)
    assert not queues.copies.todo


@given(st.lists(st.integers(1, 100), min_size=1, max_size=40), st.integers(-5, 3000))
def test_the_device_is_spared_what_was_asked_for_or_all_there_is(
    layer_bytes: list[int], wanted: int
) -> None:
    chosen = choose_layers(layer_bytes, wanted)
    assert chosen == sorted(set(chosen))
    saved = saved_bytes([layer_bytes[i] for i in chosen])
    everything = saved_bytes(layer_bytes)
    if wanted > 0 and len(layer_bytes) > 2:
        assert saved >= min(wanted, everything)
    else:
        assert saved >= 0


def test_layers_are_spread_and_as_few_as_will_do() -> None:
    assert choose_layers([10] * 12, 0) == []
    assert choose_layers([10] * 12, 1) == [3, 7, 11]
    assert choose_layers([10] * 12, 20) == [2, 5, 8, 11]
    assert choose_layers([10] * 4, 1000) == [0, 1, 2, 3]
    assert choose_layers([10, 10], 5) == []
