"""Decode steps of a mixture of experts: native kernels, torch's operations, and the bytes that a step has to read.

python tests/bench/mixture.py [--experts 16] [--width 768] [--hidden 1024] [--layers 12] [--chosen 2 4]
                              [--rows 1 16] [--prompt 512] [--turns 6] [--quantization int8] [--threads 2]

A Qwen3-MoE with noise for weights, in bfloat16. Native, torch and a bare read of memory by as many threads take
turns in one process, some seconds each; medians are printed. The floor is what a step must read (all dense weights, and
of each layer those experts that its tokens went to) over what memory gave in the same minute. Steps are without
sampling and HTTP. With --threads 1 times are the thread's own CPU time: for a machine that others keep busy.
"""

import argparse
import ctypes
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from penstock.workers.threads import available_cores, prepare_threads

MOST_THREADS = prepare_threads(None)  # before torch is loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402

from penstock.kernels.cpu.compiler import find_compiler  # noqa: E402
from penstock.kernels.cpu.library import load_library  # noqa: E402
from penstock.kernels.cpu.memory import zeros  # noqa: E402
from penstock.kernels.cpu.program import Team  # noqa: E402
from penstock.protocol.plan import Configure  # noqa: E402
from penstock.workers.forward import Forward, TorchForward  # noqa: E402
from penstock.workers.kv_cache import KVCache  # noqa: E402
from penstock.workers.models.decoder import DecoderModel  # noqa: E402
from penstock.workers.native.forward import NativeForward  # noqa: E402
from penstock.workers.native.products import PlainProducts, QuantizedProducts  # noqa: E402
from penstock.workers.native.start import BITS  # noqa: E402
from penstock.workers.native.weights import Weights, pack_weights  # noqa: E402
from penstock.workers.slots import Slots  # noqa: E402
from penstock.workers.weights.loader import materialize, open_model  # noqa: E402

CONTEXT = 64
BLOCK_SIZE = 16
TURN_S = 1.0
READ_BYTES = 512 << 20


class Model(NamedTuple):
    """The same noise for both, each with its own slots."""

    native: Forward
    torch: Forward
    decoder: DecoderModel
    slots: dict[Forward, Slots]
    weights: Weights


def config_of(args: argparse.Namespace, chosen: int) -> dict[str, object]:
    return {
        "architectures": ["Qwen3MoeForCausalLM"],
        "vocab_size": 32000,
        "hidden_size": args.hidden,
        "intermediate_size": args.width,
        "num_hidden_layers": args.layers,
        "num_attention_heads": args.hidden // 64,
        "num_key_value_heads": max(1, args.hidden // 256),
        "head_dim": 64,
        "max_position_embeddings": 4096,
        "num_experts": args.experts,
        "num_experts_per_tok": chosen,
        "moe_intermediate_size": args.width,
        "norm_topk_prob": True,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
    }


def make(args: argparse.Namespace, chosen: int) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config_of(args, chosen)))
        opened = open_model(Path(folder), dtype=None, load_format="dummy")
    length = max(CONTEXT + 64, args.prompt)
    blocks_each = length // BLOCK_SIZE + 1
    rows = max(args.rows)
    shape = Configure(rows * blocks_each, BLOCK_SIZE, rows, length, max(rows, args.prompt))
    library = load_library()
    team = Team(library, [-1] * (args.threads - 1))
    bits = BITS[args.quantization] if args.quantization else None
    products = QuantizedProducts(library, team, bits) if bits else PlainProducts(library, team)
    weights = pack_weights(opened, products, lambda *_: None)
    ours, theirs = filled(shape, blocks_each), filled(shape, blocks_each)
    native = NativeForward(opened.config, weights, products, shape, ours, library, team)
    decoder = materialize(opened, torch.device("cpu"), length, lambda *_: None)
    cache = KVCache(
        decoder.config, shape.num_blocks, BLOCK_SIZE, decoder.dtype, torch.device("cpu")
    )
    reference = TorchForward(decoder, cache, theirs, torch.device("cpu"))
    return Model(native, reference, decoder, {native: ours, reference: theirs}, weights)


def filled(shape: Configure, blocks_each: int) -> Slots:
    slots = Slots(shape)
    dice = np.random.default_rng(0)
    slots.tokens_SL[:] = dice.integers(0, 32000, slots.tokens_SL.shape)
    blocks = np.arange(shape.num_blocks, dtype=np.int32).reshape(-1, blocks_each)
    slots.blocks_SB[:, :blocks_each] = blocks
    return slots


def step(forward: Forward, slots: Slots, rows: int, count: int, position: int) -> None:
    slots.num_computed_S[:rows] = position
    forward.run(np.arange(rows), np.full(rows, count), np.arange(rows))


def median_s(run: Callable[[int], object], clock: Callable[[], float]) -> float:
    """Of one call, over some seconds of them; each is told how many went before."""
    times: list[float] = []
    end = clock() + TURN_S
    while clock() < end or len(times) < 2:
        begun = clock()
        run(len(times))
        times.append(clock() - begun)
    return statistics.median(times)


class Memory:
    """What all threads together read of it, now."""

    def __init__(self, num_threads: int, clock: Callable[[], float]) -> None:
        self._num_threads, self._clock = num_threads, clock
        source = Path(__file__).with_name("cpu_ceilings.cpp")
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "ceilings.so"
            flags = ["-O3", "-march=native", "-fPIC", "-shared"]
            subprocess.run([find_compiler(), *flags, str(source), "-o", str(built)], check=True)
            self._read = ctypes.CDLL(str(built)).ceiling_read
        self._part = READ_BYTES // num_threads // 64 * 64
        self._bytes = zeros((self._part * num_threads,), torch.uint8).fill_(1)
        self._others = ThreadPoolExecutor(num_threads)

    def gbs(self) -> float:
        seconds = median_s(lambda _: self._read_all(), self._clock)
        return self._part * self._num_threads / seconds / 1e9

    def _read_all(self) -> None:
        """This thread has its part too: with one thread its CPU time is all there is."""
        others = self._others.map(self._read_part, range(1, self._num_threads))
        self._read_part(0)
        list(others)

    def _read_part(self, index: int) -> None:
        address = ctypes.c_void_p(self._bytes.data_ptr() + index * self._part)
        self._read(address, ctypes.c_int64(self._part // 64))


def experts_read(model: Model, rows: int) -> float:
    """Experts that a decode step of so many rows goes to, over all layers, by torch's own choice."""
    counts: list[int] = []
    hooks = [
        layer.mlp.experts.register_forward_hook(
            lambda _module, inputs, _out: counts.append(len(inputs[2].unique()))
        )
        for layer in model.decoder.layers
    ]
    for position in range(CONTEXT, CONTEXT + 8):
        step(model.torch, model.slots[model.torch], rows, 1, position)
    for hook in hooks:
        hook.remove()
    return sum(counts) / 8


def bytes_read(model: Model, rows: int) -> float:
    config = model.decoder.config
    assert config.experts is not None
    num_experts = config.num_layers * config.experts.num_experts
    per_expert = model.weights.expert_nbytes() / num_experts
    return model.weights.dense_nbytes() + experts_read(model, rows) * per_expert


class Bench(NamedTuple):
    model: Model
    memory: Memory
    clock: Callable[[], float]
    turns: int

    def compare(self, rows: int, count: int) -> list[list[float]]:
        """Seconds a step native and by torch, and GB/s, of each turn; the first turn warms up."""
        found: list[list[float]] = []
        for _ in range(self.turns + 1):
            times = [self._step_s(which, rows, count) for which in self.model[:2]]
            found.append([*times, self.memory.gbs()])
        return found[1:]

    def _step_s(self, forward: Forward, rows: int, count: int) -> float:
        """Each step continues other contexts, of about the same length."""
        slots = self.model.slots[forward]

        def run(index: int) -> None:
            step(forward, slots, rows, count, CONTEXT + index % 64 if count == 1 else 0)

        return median_s(run, self.clock)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser()
    for name, value in (("experts", 16), ("width", 768), ("hidden", 1024), ("layers", 12)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--chosen", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--threads", type=int, default=MOST_THREADS)
    parser.add_argument("--quantization", choices=list(BITS))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clock = time.thread_time if args.threads == 1 else time.perf_counter
    memory = Memory(args.threads, clock)
    print(f"{available_cores()} cores, {args.threads} threads")
    print(
        "chosen  step           native ms   torch ms  torch/native   GB/s   MB read  floor ms  of floor"
    )
    for chosen in args.chosen:
        bench = Bench(make(args, chosen), memory, clock, args.turns)
        for rows in args.rows:
            found = bench.compare(rows, 1)
            report(f"{chosen:6}  {rows:4} rows   ", found, bytes_read(bench.model, rows))
        if args.prompt:
            report(f"{chosen:6}  prompt {args.prompt:4}", bench.compare(1, args.prompt), 0)


def report(what: str, found: list[list[float]], num_bytes: float) -> None:
    native, theirs, gbs = (statistics.median(column) for column in zip(*found, strict=True))
    ratio = statistics.median(b / a for a, b, _ in found)
    line = f"{what}  {native * 1e3:10.2f} {theirs * 1e3:10.1f} {ratio:13.2f} {gbs:6.1f}"
    if num_bytes:
        floors = [num_bytes / turn_gbs / 1e9 for _, _, turn_gbs in found]
        share = statistics.median(a / floor for (a, _, _), floor in zip(found, floors, strict=True))
        line += f" {num_bytes / 1e6:9.0f} {statistics.median(floors) * 1e3:9.2f} {share:9.2f}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
