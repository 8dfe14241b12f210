"""What constraints cost a worker alone: time per step beside unconstrained rows, of brook, without sockets and HTTP.

    python -P tests/bench/constrained_step.py [--rows 16] [--rounds 20] [--steps 100]

Rounds of all kinds alternate in one process. Processor time counts all of its threads, whatever the neighbours do;
the clock shows what overlaps. A ratio is the median of the rounds' ratios.
"""

import argparse
import json
import operator
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from penstock.workers.threads import prepare_threads, worthwhile

MOST_THREADS = prepare_threads(None)  # before torch is loaded

import torch  # noqa: E402

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
PROMPT = (378, 25, 12)
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
KINDS = {
    "unconstrained": None,
    "regex": Constraint("regex", "[a-z ]{2000}"),
    "schema": Constraint(
        "json_schema", json.dumps({"type": "array", "items": PERSON, "minItems": 200})
    ),
    "any JSON": Constraint("json_schema", '{"type": "array", "minItems": 900}'),
}


class Rows:
    """As many sequences as a step has rows, of one kind; they go on from round to round."""

    def __init__(
        self, model: NativeModel, compiler: Compiler, count: int, length: int, kind: str
    ) -> None:
        blocks_each = length // 16 + 1
        shape = Configure(count * blocks_each, 16, count, length, max(count, 64))
        slots = Slots(shape)
        checks = Checks(count, compiler)
        sampler = Sampler(count, model.sampling(), checks=checks)
        self._runner = ModelRunner(slots, model.forward(shape, slots), sampler, checks)
        starts = [
            SeqStart(i, pack(PROMPT), len(PROMPT), 0, params(KINDS[kind], length, i))
            for i in range(count)
        ]
        grants = [
            BlockGrant(i, pack(range(i * blocks_each, (i + 1) * blocks_each))) for i in range(count)
        ]
        self._slots = pack(range(count))
        self._execute(StepPlan(0, self._slots, pack([len(PROMPT)] * count), starts, grants))
        self._decode = StepPlan(1, self._slots, pack([1] * count))

    def _execute(self, plan: StepPlan) -> None:
        failures = self._runner.execute(plan).failures
        assert not failures, failures

    def step(self) -> None:
        self._execute(self._decode)


def params(constraint: Constraint | None, length: int, seed: int) -> SamplingParams:
    return SamplingParams(length, seed=seed, constraint=constraint, eos_token_ids=(2, 0))


def load() -> NativeModel:
    opened = open_model(BROOK, dtype=None, load_format="auto")
    count = worthwhile(opened.nbytes(), MOST_THREADS)
    found = NativeKernels("native", None).take(opened, 16, "auto", count, lambda *_: None)
    assert found is not None
    torch.set_num_threads(1)
    return found


def timed(rows: Rows, steps: int) -> tuple[float, float]:
    """Processor time and time of a step, in seconds."""
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
    parser.add_argument("--steps", type=int, default=50)
    args = parser.parse_args()
    model, length = load(), len(PROMPT) + (args.rounds + 1) * args.steps + 2
    compiler = Compiler(BROOK / "tokenizer.json", model.config.vocab_size)
    every = {kind: Rows(model, compiler, args.rows, length, kind) for kind in KINDS}
    taken = {kind: [timed(rows, args.steps)] for kind, rows in every.items()}
    for _ in range(args.rounds):
        for kind, rows in every.items():
            taken[kind].append(timed(rows, args.steps))
    compiler.close()
    for place, what in enumerate(("processor", "clock")):
        columns = {kind: [times[place] for times in all_[1:]] for kind, all_ in taken.items()}
        for kind, values in columns.items():
            show(kind, what, values, columns["unconstrained"])


if __name__ == "__main__":
    main()
