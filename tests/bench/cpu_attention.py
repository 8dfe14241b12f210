"""The native attention's share of what the machine can do: products in prefill, memory in decode.

python tests/bench/cpu_attention.py [threads [part of a case's name]]
"""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from penstock.kernels.cpu.kv_layout import KVLayout
from penstock.kernels.cpu.library import Library, load_library
from penstock.kernels.cpu.paged_attention import add_paged_attention, attention_scratch
from penstock.kernels.cpu.program import Program, Step, Team

sys.path.insert(0, str(Path(__file__).parent))
from machine_peak import MachinePeak

CACHE_BYTES = 256 << 20
"""Of all layers together: well beyond what processors keep."""
BLOCK_SIZE = 16


@dataclass(frozen=True)
class Case:
    name: str
    num_heads: int
    num_kv_heads: int
    head_dim: int
    query_lens: tuple[int, ...]
    context_lens: tuple[int, ...]
    window: int | None = None

    @property
    def layout(self) -> KVLayout:
        return KVLayout(self.num_kv_heads, self.head_dim, BLOCK_SIZE, torch.bfloat16)

    def seen(self) -> int:
        """Keys seen by all queries together."""
        return sum(
            min(position + 1, self.window or position + 1)
            for query_len, context_len in zip(self.query_lens, self.context_lens, strict=True)
            for position in range(context_len - query_len, context_len)
        )

    def flops(self) -> int:
        return 4 * self.seen() * self.num_heads * self.head_dim

    def cache_bytes(self) -> int:
        seen = sum(min(n, (self.window or n) + 15) for n in self.context_lens)
        return seen * self.num_kv_heads * self.head_dim * 4


CASES = [
    Case("prefill 2,048, H=14 G=2 D=64", 14, 2, 64, (2048,), (2048,)),
    Case("prefill 512, H=14 G=2 D=64", 14, 2, 64, (512,), (512,)),
    Case("prefill 512 after 8,192", 14, 2, 64, (512,), (8704,)),
    Case("prefill 2,048, H=32 G=8 D=128", 32, 8, 128, (2048,), (2048,)),
    Case("prefill 2,048, H=12 G=12 D=64", 12, 12, 64, (2048,), (2048,)),
    Case("prefill 2,048, window of 512", 14, 2, 64, (2048,), (2048,), 512),
    Case("decode 1 x 4,096, H=14 G=2 D=64", 14, 2, 64, (1,), (4096,)),
    Case("decode 1 x 32,768, H=14 G=2 D=64", 14, 2, 64, (1,), (32768,)),
    Case("decode 1 x 32,768, H=32 G=8 D=128", 32, 8, 128, (1,), (32768,)),
    Case("decode 1 x 16,384, H=12 G=12 D=64", 12, 12, 64, (1,), (16384,)),
    Case("decode 32 x 1,024, H=14 G=2 D=64", 14, 2, 64, (1,) * 32, (1024,) * 32),
    Case("decode 32 x 100, H=14 G=2 D=64", 14, 2, 64, (1,) * 32, (100,) * 32),
]


def layers_of(case: Case) -> int:
    return max(1, min(200, CACHE_BYTES // case.cache_bytes())) if max(case.query_lens) == 1 else 2


def seconds(library: Library, team: Team, case: Case) -> float:
    """Of one operation: the least of some repeats, each over many caches in turn."""
    layers, program = layers_of(case), Program(library, team)
    needs = [-(-n // BLOCK_SIZE) for n in case.context_lens]
    tokens = sum(case.query_lens)
    q_THD = torch.randn(tokens, case.num_heads, case.head_dim).bfloat16()
    out_THD, scratch = torch.empty_like(q_THD), attention_scratch(case.layout)
    for _ in range(layers):
        cache = case.layout.make(sum(needs))
        cache.copy_(
            torch.randn(1024)
            .bfloat16()
            .repeat(cache.numel() // 1024 + 1)[: cache.numel()]
            .view_as(cache)
        )
        add_paged_attention(
            program, q_THD, cache, out_THD, case.layout, scratch,
            scale=case.head_dim**-0.5, window=case.window,
        )  # fmt: skip
    step = step_of(case, needs)
    # One thread's own time does not count the neighbours'; several threads wait for one another.
    clock = time.thread_time if team.size == 1 else time.perf_counter
    best, until = math.inf, time.perf_counter() + 1.5
    while time.perf_counter() < until:
        started = clock()
        program.run(step)
        best = min(best, (clock() - started) / layers)
    return best


def step_of(case: Case, needs: Sequence[int]) -> Step:
    tables_RB = np.zeros((len(needs), max(needs)), np.int32)
    blocks = np.random.default_rng(0).permutation(sum(needs)).astype(np.int32)
    for row, ids in enumerate(np.split(blocks, np.cumsum(needs)[:-1])):
        tables_RB[row, : len(ids)] = ids
    spans = zip(case.query_lens, case.context_lens, strict=True)
    positions = np.concatenate([np.arange(n - q, n, dtype=np.int32) for q, n in spans])
    return Step(
        token_ids_T=np.zeros(len(positions), np.int32),
        positions_T=positions,
        query_lens_R=np.array(case.query_lens, np.int32),
        context_lens_R=np.array(case.context_lens, np.int32),
        block_tables_RB=tables_RB,
    )


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    peak, library = MachinePeak(), load_library()
    gflops, gbs = peak.gflops(), peak.read_gbs()
    print(
        f"one core: {gflops:.0f} GFLOP/s of bf16, reads {gbs:.1f} GB/s; {threads} thread(s) below"
    )
    team = Team(library, [-1] * (threads - 1))
    print(f"{'':36}{'us':>10}{'GFLOP/s':>9}{'peak':>6}{'GB/s':>7}{'peak':>6}")
    for case in (case for case in CASES if part in case.name):
        took = seconds(library, team, case)
        flops, read = case.flops() / took / 1e9, case.cache_bytes() / took / 1e9
        shares = flops / gflops / threads, read / gbs / threads
        print(
            f"{case.name:36}{took * 1e6:10.1f}{flops:9.0f}{shares[0]:6.0%}{read:7.1f}{shares[1]:6.0%}"
        )


if __name__ == "__main__":
    main()
