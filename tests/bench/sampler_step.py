"""Milliseconds that the sampler and the runner take for 64 decoding rows, model excluded.

python tests/bench/sampler_step.py [vocab_size]

Torch and native on one thread in CPU time; native on two threads by the clock, which a busy neighbour disturbs.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from penstock.kernels.cpu.library import load_library
from penstock.kernels.cpu.program import Team
from penstock.kernels.cpu.sample import NativeSampling
from penstock.protocol.plan import BlockGrant, Configure, SeqStart, StepPlan
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack
from penstock.workers.runner import ModelRunner
from penstock.workers.sampler.ops import SamplingOps, TorchSampling
from penstock.workers.sampler.sampler import Sampler
from penstock.workers.slots import Slots

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.sampling_rows import Row, make_rows

NUM_ROWS = 64
HISTORY = list(range(1000))
PENALTIES = {"repetition_penalty": 1.1, "frequency_penalty": 0.1, "presence_penalty": 0.1}
CASES: dict[str, dict[str, Any]] = {
    "all greedy": {"temperature": 0.0},
    "greedy, logprobs=5": {"temperature": 0.0, "logprobs": 5},
    "greedy, penalties": {"temperature": 0.0, **PENALTIES},
    "temperature": {},
    "temperature, penalties": PENALTIES,
    "min_p=0.05": {"min_p": 0.05},
    "top_k=50, top_p=0.9": {"top_k": 50, "top_p": 0.9},
    "top_p=0.9": {"top_p": 0.9},
}
LOGITS = {"spread": (2.5, 0.0), "peaked": (2.5, 14.0), "flat": (0.1, 0.0)}
"""Deviation, and what one token in a hundred is ahead."""


class BlankForward:
    """Answers at once, always alike."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self._logits_NV = torch.randn(NUM_ROWS, vocab_size)

    def run(self, slots_R: Any, counts_R: Any, samples_N: Any) -> torch.Tensor:
        return self._logits_NV

    def keep(self, token_ids_N: torch.Tensor) -> bool:
        return False

    def prepare(self) -> bool:
        return False

    def logits(self, first: int, end: int) -> torch.Tensor:
        return self._logits_NV[: end - first]


def best_ms(
    action: Callable[[], object],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
    prepare: Callable[[], object] = lambda: None,
) -> float:
    """The least of some runs, each after `prepare`, whose time does not count."""
    times = []
    for _ in range(repeats):
        prepare()
        started = clock()
        action()
        times.append(clock() - started)
    return min(times) * 1e3


def sampler_ms(
    logits_RV: torch.Tensor, fields: dict[str, Any], ops: SamplingOps, clock: Callable[[], float]
) -> float:
    rows = [
        Row(logits, SamplingParams(10, seed=i, **fields), HISTORY, HISTORY)
        for i, logits in enumerate(logits_RV)
    ]
    sampler = Sampler(NUM_ROWS, ops)
    for slot, row in enumerate(rows):
        sampler.start(slot, row.params)
    batch = make_rows(rows, range(NUM_ROWS))
    scratch_RV = torch.empty_like(logits_RV)
    return best_ms(
        lambda: sampler.sample(scratch_RV, batch), 8, clock, lambda: scratch_RV.copy_(logits_RV)
    )


def runner_ms(vocab_size: int) -> float:
    shape = Configure(NUM_ROWS * 100, 16, NUM_ROWS, 1500, 2048)
    runner = ModelRunner(Slots(shape), BlankForward(vocab_size), Sampler(NUM_ROWS))
    params = SamplingParams(1000, temperature=0.0)
    starts = [SeqStart(i, pack(range(20)), 20, 0, params) for i in range(NUM_ROWS)]
    grants = [BlockGrant(i, pack(range(i * 90, i * 90 + 90))) for i in range(NUM_ROWS)]
    slots = pack(range(NUM_ROWS))
    runner.execute(StepPlan(0, slots, pack([20] * NUM_ROWS), starts, grants))
    decode = StepPlan(1, slots, pack([1] * NUM_ROWS))
    return best_ms(lambda: runner.execute(decode), 300)


def main() -> None:
    torch.set_num_threads(1)
    vocab_size = int(sys.argv[1]) if len(sys.argv) > 1 else 151_936
    print(f"runner, greedy, vocabulary of 64: {runner_ms(64):.3f} ms")
    library = load_library()
    teams = [Team(library, [-1] * helpers) for helpers in (0, 1)]
    natives = [NativeSampling(library, team) for team in teams]
    print(f"{'logits':8s}{'parameters':24s}{'torch':>10s}{'native':>10s}{'2 threads':>11s}")
    for shape, (deviation, ahead) in LOGITS.items():
        logits_RV = torch.randn(NUM_ROWS, vocab_size) * deviation
        logits_RV[:, ::100] += ahead
        for name, fields in CASES.items():
            torch_ms = sampler_ms(logits_RV, fields, TorchSampling(), time.process_time)
            alone_ms = sampler_ms(logits_RV, fields, natives[0], time.process_time)
            both_ms = sampler_ms(logits_RV, fields, natives[1], time.perf_counter)
            print(
                f"{shape:8s}{name:24s}{torch_ms:10.2f}{alone_ms:10.2f}{both_ms:11.2f}", flush=True
            )


if __name__ == "__main__":
    main()
