"""Start to ready, and resident memory of each process after some load. Knows `penstock serve` and /proc.

python tests/bench/footprint.py [MODEL ...] [--flags FLAG ...]
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.deployment import Deployment, rss_bytes

PROGRAMS = {
    "front end": "penstock.frontend",
    "engine core": "penstock.engine_core",
    "worker": "penstock.workers",
}
ROUNDS = 3


def measure(model: str, flags: list[str]) -> tuple[float, dict[str, int]]:
    """Seconds to ready, and the largest resident set of each program in bytes."""
    with Deployment(*flags, model=model) as server:
        body = {
            "prompt": list(range(100, 228)),
            "max_tokens": 16,
            "temperature": 0,
            "ignore_eos": True,
        }
        for _ in range(4):
            status, answer = server.post("/v1/completions", body)
            assert status == 200, answer
        sizes = {
            name: max(map(rss_bytes, server.pids(module))) for name, module in PROGRAMS.items()
        }
        return server.started_in_s, sizes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=["brook"])
    parser.add_argument(
        "--flags", nargs=argparse.REMAINDER, default=[], help="passed on to penstock serve"
    )
    arguments = parser.parse_args()
    for model in arguments.models:
        rounds = [measure(model, arguments.flags) for _ in range(ROUNDS)]
        seconds = sorted(r[0] for r in rounds)
        print(
            f"{model}: ready in {statistics.median(seconds):.1f} s (first {rounds[0][0]:.1f}, best {seconds[0]:.1f})"
        )
        for name, size in rounds[-1][1].items():
            print(f"  {name:12} {size / 2**20:8.0f} MiB")


if __name__ == "__main__":
    main()
