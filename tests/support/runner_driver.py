"""Plays engine core for one runner, step by step. Knows plans and results, not how they are carried out."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from penstock.protocol.plan import BlockGrant, Configure, SeqStart, StepPlan, StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack, unpack
from penstock.workers.backend import Backend
from penstock.workers.device.inline import INLINE
from penstock.workers.device.stream import Stream
from penstock.workers.forward import TorchForward
from penstock.workers.host_copies.queues import queues_of
from penstock.workers.host_copies.swapper import Swapper
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.parallel.followers import token_source
from penstock.workers.runner import ModelRunner
from penstock.workers.sampler.ops import SamplingOps, sampling_on
from penstock.workers.sampler.sampler import Sampler
from penstock.workers.slots import Slots
from penstock.workers.weights.loader import load_model

BLOCK_SIZE = 8
MAX_MODEL_LEN = 200
CPU = torch.device("cpu")


@dataclass
class Seq:
    """One request, as an engine core would see it."""

    prompt: list[int]
    params: SamplingParams
    output: list[int] = field(default_factory=list)
    slot: int | None = None
    blocks: list[int] = field(default_factory=list)
    num_computed: int = 0
    host_blocks: list[int] = field(default_factory=list)
    num_kept: int = 0
    prompt_logprobs: list[object] = field(default_factory=list)

    @property
    def tokens(self) -> list[int]:
        return self.prompt + self.output

    @property
    def done(self) -> bool:
        return len(self.output) >= self.params.max_tokens


def load_tiny(
    folder: Path, device: torch.device = CPU, backend: Backend | None = None
) -> DecoderModel:
    model = load_model(
        folder,
        dtype=torch.float32,
        device=device,
        load_format="dummy",
        seed=3,
        progress=lambda phase, share: None,
        backend=backend,
    )
    for parameter in model.parameters():
        parameter.data.mul_(4.0 if parameter.dim() > 1 else 1.0)  # else all logits are near zero
    return model


class Driver:
    """Random chunks, random preemptions, shuffled blocks and reused slots; with host blocks, all that was computed
    is swapped out as far as they go."""

    def __init__(
        self,
        model: DecoderModel,
        num_slots: int = 4,
        num_blocks: int = 64,
        stream: Stream = INLINE,
        masks: Any = None,
        captures: bool = False,
        company: Company = NOBODY,
        sampling: SamplingOps | None = None,
        num_host_blocks: int = 0,
        graph_bytes: int | None = None,
    ) -> None:
        self.shape = Configure(
            num_blocks, BLOCK_SIZE, num_slots, MAX_MODEL_LEN, 64, num_host_blocks
        )
        self.cache = KVCache(model.config, num_blocks, BLOCK_SIZE, torch.float32, stream.device)
        self.slots = Slots(self.shape)
        forward = TorchForward(
            model, self.cache, self.slots, stream, captures=captures, graph_bytes=graph_bytes
        )
        sampler = Sampler(num_slots, sampling or sampling_on(stream.device), masks)
        source = token_source(company, sampler)
        swapper = None
        if num_host_blocks:
            swapper = Swapper(self.cache.pages, num_host_blocks, queues_of(stream.device))
        self.runner = ModelRunner(self.slots, forward, source, masks, stream, swapper)
        self.free_host_blocks = list(range(num_host_blocks))
        self.outs: list[int] = []
        self.ins: list[int] = []
        self.num_restored = 0
        self.history: list[tuple[StepPlan, StepResult]] = []
        self.free_blocks = list(range(num_blocks))
        self.free_slots = list(range(num_slots))
        self.frees: list[int] = []
        self.step = 0

    def run(self, seqs: Sequence[Seq], dice: random.Random, preempt: float = 0.0) -> None:
        """Until all are done."""
        while waiting := [seq for seq in seqs if not seq.done]:
            dice.shuffle(waiting)
            for seq in waiting:
                if seq.slot is not None and dice.random() < preempt:
                    self.preempt(seq)
            dice.shuffle(self.free_blocks)
            dice.shuffle(self.free_slots)
            running = [seq for seq in waiting if seq.slot is not None]
            starting = [seq for seq in waiting if seq.slot is None][: len(self.free_slots)]
            rows = running + starting
            lefts = [len(seq.tokens) - max(seq.num_computed, seq.num_kept) for seq in rows]
            self.execute(starting, rows, [dice.randint(1, left) for left in lefts])
            for seq in rows:
                if seq.done:
                    self.preempt(seq)

    def preempt(self, seq: Seq) -> None:
        assert seq.slot is not None
        self.frees.append(seq.slot)
        self.free_slots.append(seq.slot)
        self.free_blocks += seq.blocks
        self._swap_out(seq)
        seq.slot, seq.blocks, seq.num_computed = None, [], 0

    def execute(
        self, starting: Sequence[Seq], rows: Sequence[Seq], counts: Sequence[int]
    ) -> StepResult:
        frees, self.frees = self.frees, []
        starts = [self._start(seq) for seq in starting]
        grants = [self._grant(seq, count) for seq, count in zip(rows, counts, strict=True)]
        slots = [seq.slot for seq in rows if seq.slot is not None]
        swaps = pack(self.outs), pack(self.ins)
        self.outs, self.ins = [], []
        plan = StepPlan(
            self.step, pack(slots), pack(counts), starts, grants, pack(frees), b"", *swaps
        )
        self.step += 1
        result = self.runner.execute(plan)
        self.history.append((plan, result))
        self._update(rows, counts, result)
        return result

    def _start(self, seq: Seq) -> SeqStart:
        seq.slot = self.free_slots.pop()
        num_computed = seq.num_computed = seq.num_kept
        return SeqStart(seq.slot, pack(seq.tokens), len(seq.prompt), num_computed, seq.params)

    def _grant(self, seq: Seq, count: int) -> BlockGrant:
        assert seq.slot is not None
        wanted = -(-(seq.num_computed + count) // BLOCK_SIZE) - len(seq.blocks)
        new = [self.free_blocks.pop() for _ in range(wanted)]
        seq.blocks += new
        self._swap_in(seq)
        return BlockGrant(seq.slot, pack(new))

    def _swap_out(self, seq: Seq) -> None:
        if seq.done:
            return
        num_blocks = min(-(-seq.num_computed // BLOCK_SIZE), len(self.free_host_blocks))
        seq.host_blocks = [self.free_host_blocks.pop() for _ in range(num_blocks)]
        seq.num_kept = min(seq.num_computed, num_blocks * BLOCK_SIZE)
        for pair in zip(seq.blocks[:num_blocks], seq.host_blocks, strict=True):
            self.outs += pair

    def _swap_in(self, seq: Seq) -> None:
        for pair in zip(seq.blocks, seq.host_blocks, strict=False):
            self.ins += pair
        self.num_restored += seq.num_kept
        self.free_host_blocks += seq.host_blocks
        seq.host_blocks, seq.num_kept = [], 0

    def _update(self, rows: Sequence[Seq], counts: Sequence[int], result: StepResult) -> None:
        token_ids = iter(unpack(result.token_ids))
        for seq, count in zip(rows, counts, strict=True):
            seq.num_computed += count
            if seq.num_computed == len(seq.tokens):
                seq.output.append(next(token_ids))
        assert next(token_ids, None) is None
        for found in result.prompt_logprobs:
            rows[found.row].prompt_logprobs.append(found.logprobs)
