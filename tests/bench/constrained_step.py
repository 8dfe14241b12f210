"""What constraints cost a worker alone: time per step beside unconstrained rows, of brook, without sockets and HTTP.

    python -P tests/bench/constrained_step.py [--rows 16] [--rounds 20] [--steps 150]

Rounds of all kinds alternate in one process. Processor time counts all of its threads, whatever the neighbours do;
the clock shows what overlaps. A ratio is the median of the rounds' ratios.
"""

import argparse
import json
import operator
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from penstock.workers.threads import prepare_threads, worthwhile

MOST_THREADS = prepare_threads(None)  # before torch is loaded

import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.people import PEOPLE  # noqa: E402

import penstock  # noqa: E402
from penstock.protocol.constraint import Constraint  # noqa: E402
from penstock.protocol.plan import BlockGrant, Configure, SeqStart, StepPlan  # noqa: E402
from penstock.protocol.sampling import SamplingParams  # noqa: E402
from penstock.protocol.token_ids import pack  # noqa: E402
from penstock.workers.grammar.checks import Checks  # noqa: E402
from penstock.workers.grammar.compiler import Compiler  # noqa: E402
from penstock.workers.native.start import NativeKernels, NativeModel  # noqa: E402
from penstock.workers.runner import ModelRunner  # noqa: E402
from penstock.workers.sampler.sampler import Sampler  # noqa: E402
from penstock.workers.slots import Slots  # noqa: E402
from penstock.workers.weights.loader import open_model  # noqa: E402

BROOK = Path(penstock.__file__).parent / "brook"
PROMPT = (1831,)
"""Once"""
KINDS = {
    "unconstrained": None,
    "regex": Constraint("regex", "[a-z ]{2000}"),
    "schema": Constraint("json_schema", json.dumps(PEOPLE)),
    "any JSON": Constraint("json_schema", '{"type": "array", "minItems": 900}'),
}


class Rows:
    """As many sequences as a step has rows, of one kind; others in each round."""

    def __init__(
        self, model: NativeModel, compiler: Compiler, count: int, length: int, kind: str
    ) -> None:
        blocks_each = length // 16 + 1
        shape = Configure(count * blocks_each, 16, count, length, max(count, 64))
        slots = Slots(shape)
        checks = Checks(count, compiler)
        sampler = Sampler(count, model.sampling(), checks=checks)
        self._runner = ModelRunner(slots, model.forward(shape, slots), sampler, checks)
        self._count, self._length, self._constraint = count, length, KINDS[kind]
        self._grants = [
            BlockGrant(i, pack(range(i * blocks_each, (i + 1) * blocks_each))) for i in range(count)
        ]
        self._slots = pack(range(count))
        self._decode = StepPlan(1, self._slots, pack([1] * count))

    def begin(self, number: int) -> None:
        """With its first token."""
        starts = [
            SeqStart(i, pack(PROMPT), len(PROMPT), 0, self._params(number * 1000 + i))
            for i in range(self._count)
        ]
        counts = pack([len(PROMPT)] * self._count)
        self._execute(
            StepPlan(0, self._slots, counts, starts, self._grants, self._slots if number else b"")
        )

    def _params(self, seed: int) -> SamplingParams:
        return SamplingParams(
            self._length, seed=seed, constraint=self._constraint, eos_token_ids=(2, 0)
        )

    def _execute(self, plan: StepPlan) -> None:
        failures = self._runner.execute(plan).failures
        assert not failures, failures

    def step(self) -> None:
        self._execute(self._decode)


def load() -> NativeModel:
    opened = open_model(BROOK, dtype=None, load_format="auto")
    count = worthwhile(opened.nbytes(), MOST_THREADS)
    found = NativeKernels("native", None).take(opened, 16, "auto", count, lambda *_: None)
    assert found is not None
    torch.set_num_threads(1)
    return found


def timed(rows: Rows, number: int, steps: int) -> tuple[float, float]:
    """Processor time and time of a step, in seconds."""
    rows.begin(number)
    used, begun = time.process_time(), time.perf_counter()
    for _ in range(steps):
        rows.step()
    return (time.process_time() - used) / steps, (time.perf_counter() - begun) / steps


def show(kind: str, what: str, values: list[float], plain: list[float]) -> None:
    ratio: Callable[[float, float], float] = operator.truediv
    against = statistics.median(map(ratio, values, plain))
    print(f"{kind:14s} {what:9s} {statistics.median(values) * 1e6:8.0f} us a step, {against:.3f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150)
    args = parser.parse_args()
    model, length = load(), len(PROMPT) + args.steps + 2
    compiler = Compiler(BROOK / "tokenizer.json", model.config.vocab_size)
    every = {kind: Rows(model, compiler, args.rows, length, kind) for kind in KINDS}
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for number in range(args.rounds + 1):
        for kind, rows in every.items():
            taken[kind].append(timed(rows, number, args.steps))
    compiler.close()
    for place, what in enumerate(("processor", "clock")):
        columns = {kind: [times[place] for times in all_[1:]] for kind, all_ in taken.items()}
        for kind, values in columns.items():
            show(kind, what, values, columns["unconstrained"])


if __name__ == "__main__":
    main()
