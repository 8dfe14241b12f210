"""GB/s and GOP/s that the native linears reach on one core, beside what the core can do at all.

python tests/bench/cpu_linear.py [rows ...]

Weights are read from memory, not from a cache: a pass goes over as many copies as fill SPREAD_BYTES. Times are
the thread's own CPU time, the least of some passes, with the rounding of the activations. A multiplication and an
addition are two operations; bytes are those of the packed weights.
"""

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from penstock.kernels.cpu.compiler import find_compiler
from penstock.kernels.cpu.library import Library, load_library
from penstock.kernels.cpu.linear import add_linear
from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Extent, Program, Step, Team
from penstock.kernels.cpu.quant_linear import add_quant_linear
from penstock.kernels.cpu.quant_weights import Bits, Quantized, quantize
from penstock.kernels.cpu.quantize_rows import add_quantize_rows, quantized_rows
from penstock.kernels.cpu.weights import Packed, pack

SHAPES = {
    "qkv": (896, 1152),
    "o": (896, 896),
    "gate_up": (896, 9728),
    "down": (4864, 896),
    "head": (896, 151936),
}
"""Inputs and outputs of qwen0.5b's."""
ROWS = [1, 8, 16, 64, 512]
SPREAD_BYTES = 160 << 20
PASS_S = 0.2
"""Passes go on for so long at least."""


@dataclass(frozen=True, slots=True)
class Bench:
    library: Library
    team: Team

    def seconds(self, num_rows: int, add: Callable[[Program], None]) -> float:
        program = Program(self.library, self.team)
        add(program)
        ids = np.zeros(num_rows, dtype=np.int32)
        one = np.array([num_rows], dtype=np.int32)
        step = Step(ids, ids, one, one, np.zeros((1, 1), dtype=np.int32))
        return least(lambda: program.run(step))


def least(run: Callable[[], object]) -> float:
    """CPU seconds of the quickest of some runs."""
    run()
    best, end = float("inf"), time.thread_time() + PASS_S
    while time.thread_time() < end:
        begin = time.thread_time()
        run()
        best = min(best, time.thread_time() - begin)
    return best


def ceilings() -> tuple[float, float, float]:
    """GB/s, bf16 GFLOP/s and int8 GOP/s of one core."""
    source = Path(__file__).with_name("cpu_ceilings.cpp")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "ceilings.so"
        flags = ["-O3", "-march=native", "-fPIC", "-shared"]
        subprocess.run([find_compiler(), *flags, str(source), "-o", str(built)], check=True)
        functions = ctypes.CDLL(str(built))
    memory = zeros((SPREAD_BYTES,), torch.uint8).fill_(1)
    lines = ctypes.c_int64(SPREAD_BYTES // 64)
    address = ctypes.c_void_p(memory.data_ptr())
    read_s = least(lambda: functions.ceiling_read(address, lines))
    peaks = [_peak(functions[name]) for name in ("ceiling_bf16", "ceiling_int8")]
    return SPREAD_BYTES / read_s / 1e9, peaks[0], peaks[1]


def _peak(function: Callable[..., int]) -> float:
    count, out = 100_000, ctypes.c_float(0)
    arguments = (ctypes.c_int64(count), ctypes.byref(out))
    operations = function(*arguments) * count
    return operations / least(lambda: function(*arguments)) / 1e9


def copy_of(data: torch.Tensor) -> torch.Tensor:
    """In memory as the kernels' own is."""
    return zeros(tuple(data.shape), data.dtype).copy_(data)


def bf16(bench: Bench, num_rows: int, weight_OI: torch.Tensor) -> tuple[float, int]:
    """Seconds and bytes of one product."""
    packed = pack(bench.library, bench.team, [weight_OI])
    copies = [packed] + [
        Packed(copy_of(packed.data), None, packed.columns, packed.depth)
        for _ in range(SPREAD_BYTES // packed.nbytes)
    ]
    x_TI = torch.randn(num_rows, packed.depth).bfloat16()
    out_TO = torch.zeros(num_rows, packed.columns, dtype=torch.bfloat16)

    def add(program: Program) -> None:
        for copy in copies:
            add_linear(program, Extent.TOKENS, x_TI, copy, out_TO)

    return bench.seconds(num_rows, add) / len(copies), packed.nbytes


def quantized(
    bits: Bits,
) -> Callable[[Bench, int, torch.Tensor], tuple[float, int]]:
    def measure(bench: Bench, num_rows: int, weight_OI: torch.Tensor) -> tuple[float, int]:
        weight = quantize(bench.library, bench.team, [weight_OI], None, bits)
        copies = [weight] + [
            Quantized(copy_of(weight.data_PGB), None, bits, weight.columns, weight.depth)
            for _ in range(SPREAD_BYTES // weight.nbytes)
        ]
        x_TI = torch.randn(num_rows, weight.depth).bfloat16()
        x_TGB = quantized_rows(num_rows, weight.depth)
        out_TO = torch.zeros(num_rows, weight.columns, dtype=torch.bfloat16)

        def add(program: Program) -> None:
            for copy in copies:
                add_quantize_rows(program, Extent.TOKENS, x_TI, x_TGB)
                add_quant_linear(program, Extent.TOKENS, x_TGB, copy, out_TO)

        return bench.seconds(num_rows, add) / len(copies), weight.nbytes

    return measure


def main() -> None:
    rows = [int(argument) for argument in sys.argv[1:]] or ROWS
    library = load_library()
    bench = Bench(library, Team(library, []))
    torch.set_num_threads(1)
    read, peak_bf16, peak_int8 = ceilings()
    print(
        f"one core: reads {read:.1f} GB/s, {peak_bf16:.0f} GFLOP/s in bf16, {peak_int8:.0f} GOP/s in int8"
    )
    print(f"{'':20}{'rows':>6}" + "".join(f"{name:>24}" for name in ("bf16", "int8", "int4")))
    ways = (bf16, quantized(Bits.INT8), quantized(Bits.INT4))
    for name, (depth, columns) in SHAPES.items():
        weight_OI = (torch.randn(columns, depth) * 0.02).bfloat16()
        for num_rows in rows:
            line = f"{name:8} {depth}x{columns:<7}".ljust(20) + f"{num_rows:6}"
            for way in ways:
                seconds, num_bytes = way(bench, num_rows, weight_OI)
                operations = 2 * num_rows * depth * columns
                line += (
                    f"{num_bytes / seconds / 1e9:10.1f} GB/s {operations / seconds / 1e9:5.0f} GOP"
                )
            print(line, flush=True)


if __name__ == "__main__":
    main()
