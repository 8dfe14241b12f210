"""What --swap-space saves under preemptions: tokens computed again, and the time for the same crowd of requests.

    python -P tests/bench/swap.py [--model brook] [--rounds 6] [--prompt 300] [--output 300] [--blocks 160]

Starts `penstock serve` twice, with and without swap space. Rounds take turns, so that a busy machine is busy for
both; a ratio is the median of the rounds' ratios. A worker's processor time suffers less from neighbours than time.
The prefix cache is off in both: it keeps prefixes where it can.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.deployment import Deployment, processor_s

AT_ONCE = 8
COUNTS = {
    "preemptions": "vllm:num_preemptions_total",
    "tokens computed again": "penstock:recomputed_tokens_total",
    "tokens restored": "penstock:restored_tokens_total",
    "blocks swapped out": "penstock:swapped_out_blocks_total",
    "blocks swapped in": "penstock:swapped_in_blocks_total",
}


def round_s(server: Deployment, number: int, args: argparse.Namespace) -> tuple[float, float]:
    """Seconds for one crowd, and of its worker's processors; no two rounds have a prompt in common."""
    bodies = [
        {
            "prompt": [20 + (number * 64 + i + 3 * place) % 280 for place in range(args.prompt)],
            "max_tokens": args.output,
            "ignore_eos": True,
            "temperature": 0,
        }
        for i in range(2 * AT_ONCE)
    ]
    (worker,) = server.pids("penstock.workers")
    begun, busy_s = time.perf_counter(), processor_s(worker)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = {status for status, _ in pool.map(lambda b: ask(server, b), bodies)}
    assert statuses == {200}
    return time.perf_counter() - begun, processor_s(worker) - busy_s


def ask(server: Deployment, body: dict[str, object]) -> tuple[int, object]:
    return server.post("/v1/completions", body)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="brook", help="a folder gets dummy weights")
    for name, value in (("rounds", 6), ("prompt", 300), ("output", 300), ("blocks", 160)):
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args()


def report(servers: Iterable[Deployment], ratios: list[tuple[float, float]]) -> None:
    without, with_swap = servers
    print(f"{'':24}{'recompute':>12}{'swap':>12}")
    for name, metric in COUNTS.items():
        print(f"{name:24}{without.metric(metric):12.0f}{with_swap.metric(metric):12.0f}")
    for name, of_rounds in zip(
        ("time", "worker's processor time"), zip(*ratios, strict=True), strict=True
    ):
        middle, spread = statistics.median(of_rounds), f"{min(of_rounds):.2f}-{max(of_rounds):.2f}"
        print(f"{name}, swap / recompute: {middle:.2f} ({spread}, {len(ratios)} rounds)")


def main() -> None:
    args = arguments()
    flags = ("--num-gpu-blocks-override", str(args.blocks), "--no-enable-prefix-caching")
    if args.model != "brook":
        flags += ("--load-format", "dummy")
    with (
        Deployment(*flags, model=args.model) as without,
        Deployment(*flags, "--swap-space", "1", model=args.model) as with_swap,
    ):
        ratios = []
        for number in range(-1, args.rounds):
            base, swap = (round_s(server, number, args) for server in (without, with_swap))
            if number >= 0:  # the first one warms up
                ratios.append((swap[0] / base[0], swap[1] / base[1]))
        report((without, with_swap), ratios)


if __name__ == "__main__":
    main()
