"""Steps launched ahead, and decode steps as graphs, on Triton's ops: the tokens of one step at a time without either.

On a GPU with its own streams and graphs; interpreted with a device that is late and records what it captures.
"""

import random

import pytest
import torch

pytest.importorskip("msgspec", reason="plans are msgspec's (pip install msgspec)")

from support.flights import PLAIN, READING, make_seqs, one_at_a_time, two_in_flight
from support.recorded_stream import RecordedStream
from support.runner_driver import Driver, Seq, load_tiny
from support.tiny_decoder import write_tiny_model

from penstock.kernels.ops import load_ops
from penstock.protocol.sampling import SamplingParams
from penstock.workers.backend import Backend
from penstock.workers.device.cuda import CudaStream
from penstock.workers.device.streams import stream_on

pytestmark = pytest.mark.gpu
NUM_SLOTS = 3


@pytest.fixture(scope="module")
def model(device, tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_tiny(folder, device, Backend(load_ops("triton")))


@pytest.fixture(scope="module")
def sampling(device):
    from penstock.kernels.triton.sampling.ops import (
        TritonSampling,
    )  # once Triton is known to be there

    return TritonSampling()


@pytest.fixture
def dice():
    return random.Random(5)


@pytest.fixture
def late(device, dice):
    return CudaStream(device) if device.type == "cuda" else RecordedStream(dice)


def test_graphs_and_steps_ahead_change_no_token(model, sampling, device, late, dice):
    compiled = device.type == "cuda"
    num_seqs, most_tokens = (24, 12) if compiled else (4, 3)
    seqs = make_seqs(dice, num_seqs, (*PLAIN, *READING), 2, most_tokens)
    history = one_at_a_time(
        model, seqs, dice, NUM_SLOTS, stream_on(device), preempt=0.0, sampling=sampling
    ).history
    plans = [plan for plan, _ in history]
    flown = two_in_flight(model, plans, dice, late, NUM_SLOTS, captures=True, sampling=sampling)
    tokens = [result.token_ids for _, result in history]
    assert [result.token_ids for result in flown.results] == tokens
    assert flown.num_blind


def test_a_step_that_needs_nothing_from_the_host_never_waits_for_the_device(model, cuda, dice):
    """torch fails where it would."""
    driver = Driver(model, NUM_SLOTS, stream=CudaStream(cuda), captures=True)
    params = [
        SamplingParams(30, temperature=0.0),
        SamplingParams(30, seed=1, top_p=0.9, logprobs=3),
    ]
    seqs = [Seq([1, 2, 3], each) for each in params]
    driver.run(seqs, dice)
    plans = [plan for plan, _ in driver.history]
    ahead = Driver(model, NUM_SLOTS, stream=CudaStream(cuda), captures=True).runner
    while ahead.prepare():
        pass
    pending = [ahead.launch(plans[0])]
    for plan in plans[1:]:
        torch.cuda.set_sync_debug_mode("error")
        try:
            pending.append(ahead.launch(plan))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found = [ahead.collect(each).token_ids for each in pending]
    assert found == [result.token_ids for _, result in driver.history]
