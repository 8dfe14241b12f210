"""A worker program that answers every plan at once with random tokens. Knows the wire and lengths, no model.

With it in the worker's place, what a deployment spends is what its control plane costs.
"""

import argparse
import itertools
import os
import random
import sys
import time
from pathlib import Path

import msgspec

from penstock.protocol.plan import StepPlan, StepResult, WorkerHello, WorkerReady
from penstock.protocol.token_ids import pack, unpack
from penstock.workers.link import Link, LinkSettings

KV_BYTES_PER_TOKEN = 64
NUM_TOKENS = 1 << 20
FIRST_ID = 256


class Config(msgspec.Struct):
    vocab_size: int


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--busy-s", type=float, default=0.0, help="CPU seconds to spend on a step")
    parser.add_argument("--pause-s", type=float, default=0.0, help="to sleep for each row")
    return parser.parse_known_args()[0]


class InstantWorker:
    """One rank. A slot is a count: how many of its known tokens no plan has computed yet."""

    def __init__(self, vocab_size: int, busy_s: float, pause_s: float) -> None:
        rng = random.Random(1)
        self._ids = itertools.cycle([rng.randrange(FIRST_ID, vocab_size) for _ in range(4096)])
        self._busy_s = busy_s
        self._pause_s = pause_s
        self._missing: dict[int, int] = {}

    def execute(self, plan: StepPlan) -> StepResult:
        end = time.thread_time() + self._busy_s
        for start in plan.starts:
            self._missing[start.slot] = len(unpack(start.token_ids)) - start.num_computed
        sampled = self._advance(unpack(plan.slots), unpack(plan.counts))
        while self._busy_s and time.thread_time() < end:
            pass
        if self._pause_s:
            time.sleep(self._pause_s * len(sampled))
        return StepResult(plan.step, pack(sampled), self._busy_s)

    def _advance(self, slots: list[int], counts: list[int]) -> list[int]:
        sampled, missing = [], self._missing
        for slot, count in zip(slots, counts, strict=True):
            left = missing[slot] - count
            if not left:
                sampled.append(next(self._ids))
            missing[slot] = left or 1
        return sampled


def main() -> int:
    args = parse()
    config = (args.model_dir / "config.json").read_bytes()
    vocab_size = msgspec.json.decode(config, type=Config).vocab_size
    link = Link(LinkSettings(link=args.link, model_dir=args.model_dir))
    kv_bytes = KV_BYTES_PER_TOKEN * NUM_TOKENS
    link.send(
        WorkerHello(
            0, os.getpid(), "float32", vocab_size, 8192, KV_BYTES_PER_TOKEN, kv_bytes, 0, 0.0
        )
    )
    if link.configuration() is not None:
        link.send(WorkerReady(0))
        worker = InstantWorker(vocab_size, args.busy_s, args.pause_s)
        for plan in link.orders():
            if isinstance(plan, StepPlan):
                link.send(worker.execute(plan))
    link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
