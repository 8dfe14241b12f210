"""Copies beside a GPU's steps, on the real queues: a twin proves their order in tests/unit/workers/host_copies."""

import pytest
import torch
from support.paged_run import PagedRun, prompts_of
from support.tiny_decoder import write_tiny_model
from torch import nn

from penstock.protocol.token_ids import pack
from penstock.workers.device.streams import stream_on
from penstock.workers.host_copies.away import NOTHING, Away
from penstock.workers.host_copies.offload import Offload
from penstock.workers.host_copies.queues import queues_of
from penstock.workers.host_copies.swapper import Swapper
from penstock.workers.weights.loader import materialize, open_model

pytestmark = pytest.mark.gpu
NUM_BLOCKS, NUM_HOST_BLOCKS = 64, 48


def test_blocks_come_back_though_steps_overwrite_them_at_once(cuda):
    pages = [torch.randn(NUM_BLOCKS, 4096, device=cuda) for _ in range(8)]
    truth = [page.clone() for page in pages]
    swapper = Swapper(pages, NUM_HOST_BLOCKS, queues_of(cuda), staging_bytes=5 * 8 * 4096 * 4)
    for seed in range(8):
        dice = torch.Generator().manual_seed(seed)
        blocks = torch.randperm(NUM_BLOCKS, generator=dice)[:NUM_HOST_BLOCKS].tolist()
        hosts = torch.randperm(NUM_HOST_BLOCKS, generator=dice).tolist()
        pairs = pack([number for pair in zip(blocks, hosts, strict=True) for number in pair])
        swapper.carry_out(pairs, b"")
        for page in pages:
            page[blocks] = -1.0
        swapper.carry_out(b"", pairs)
        for page, expected in zip(pages, truth, strict=True):
            assert torch.equal(page, expected)


@pytest.mark.parametrize("quantization", [None, "int8", "int4", "fp8"])
def test_a_decoder_with_layers_away_gives_the_same_logits(cuda, tmp_path, quantization):
    folder = write_tiny_model(
        tmp_path, num_hidden_layers=6, hidden_size=64, intermediate_size=96, head_dim=16
    )
    found = open_model(folder, dtype=torch.float32, load_format="dummy", seed=5)
    runs = []
    for away in (NOTHING, Away(1 << 40, queues_of(cuda))):
        model = materialize(
            found, cuda, None, lambda *_: None, away=away, quantization=quantization
        )
        runs.append(PagedRun(model, prompts_of([6, 2, 4]), device=cuda).by_steps([[6, 2, 4]]))
    for logits, expected in zip(runs[1], runs[0], strict=True):
        assert torch.equal(logits, expected)


@torch.inference_mode()
def test_a_pass_with_layers_away_can_be_captured(cuda):
    layers = [nn.Linear(512, 512, device=cuda) for _ in range(6)]
    x, out = torch.randn(4, 512, device=cuda), torch.empty(4, 512, device=cuda)

    def work():
        y = x
        for layer in layers:
            y = layer(y)
        out.copy_(y)

    work()
    expected = out.clone()
    Offload(layers, [1, 3, 5], queues_of(cuda))
    replay = stream_on(cuda).capture(work)
    for _ in range(3):
        out.zero_()
        replay()
        assert torch.equal(out, expected)
