"""The training loop, its schedule and its checkpoints. Knows no shipped file and no score."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from .corpus import chats
from .model import Brook, Shape, document_mask
from .optim import optimizers
from .rows import Batch, batches
from .tokens import encode

LENGTHS = (192, 448, 2048)
EMA = 0.995


@dataclass(frozen=True)
class Plan:
    """What one run does; a run by steps is reproducible, one by minutes stops by the clock."""

    out: Path
    seed: int = 1
    minutes: float = 60.0
    steps: int = 0
    tokens: int = 6144
    matrix_lr: float = 0.02
    other_lr: float = 0.004
    compiled: bool = True
    save_minutes: float = 4.0
    boost: tuple[tuple[str, float], ...] = ()
    rate_scale: float = 1.0


def rate(progress: float, step: int) -> float:
    """Warm up over fifty steps, stay, and fall to nearly nothing over the last two fifths."""
    return min(1.0, (step + 1) / 50) * min(1.0, max(0.02, (1.0 - progress) / 0.4))


def device_name(device: torch.device) -> str:
    """The device in words, for the model card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU cores"


class Run:
    """One training run: the model, its averaged twin, the optimizers and where it stands."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer, shape: Shape) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.tokenizer = plan, tokenizer
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = Brook(shape).to(self.device)
        self.trunk = (
            torch.compile(self.model.model, dynamic=False) if plan.compiled else self.model.model
        )
        self.optimizers = optimizers(self.model, plan.matrix_lr, plan.other_lr)
        self.start_rates = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.step, self.seen, self.shown = 0, 0, math.nan
        self.stretches: list[str] = []
        self.elapsed, self.total, self.from_step = 0.0, 0.0, 0

    @property
    def progress(self) -> float:
        if self.plan.steps:
            return (self.step - self.from_step) / self.plan.steps
        return self.elapsed / (60 * self.plan.minutes)

    def stream(self) -> Iterator[Batch]:
        """Fresh batches; a resumed run draws new conversations, none twice."""
        boost = dict(self.plan.boost)
        made = chats(self.plan.seed * 1_000_003 + self.step, boost=boost)
        encoded = (encode(self.tokenizer, chat) for chat in made)
        return batches(encoded, self.plan.tokens, LENGTHS)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy over what the model itself should say."""
        to = self.device
        mask = document_mask(batch.documents.to(to))
        with torch.autocast(to.type, dtype=torch.bfloat16):
            hidden = self.trunk(batch.ids.to(to), batch.positions.to(to), mask)
            logits = self.model.logits(hidden.flatten(0, 1)[batch.places.to(to)])
        return F.cross_entropy(logits.float(), batch.targets.to(to))

    def set_rates(self) -> None:
        factor = rate(self.progress, self.step) * self.plan.rate_scale
        for optimizer, starts in zip(self.optimizers, self.start_rates, strict=True):
            for group, start in zip(optimizer.param_groups, starts, strict=True):
                group["lr"] = start * factor

    def update(self, batch: Batch) -> float:
        """One optimizer step; gives the loss before it."""
        self.set_rates()
        loss = self.loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.follow()
        return loss.item()

    @torch.no_grad()
    def follow(self) -> None:
        """Move the averaged weights a little towards the present ones."""
        steps = self.step - self.from_step
        keep = min(EMA, (1 + steps) / (10 + steps))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "counters": {
                "step": self.step,
                "seen": self.seen,
                "elapsed": self.elapsed,
                "total": self.total,
                "device": device_name(self.device),
                "stretches": self.stretches,
            },
        }

    def save(self) -> None:
        """Write the checkpoint so that a crash never leaves half of one."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        part = self.plan.out / "checkpoint.pt.part"
        torch.save(self.state(), part)
        part.replace(self.plan.out / "checkpoint.pt")

    def load(self, fresh_clock: bool) -> None:
        """Go on from the last checkpoint; with a fresh clock schedule and average start anew,
        for old weights in the average hold back what a new stretch teaches."""
        state = torch.load(self.plan.out / "checkpoint.pt", map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average = state["model" if fresh_clock else "average"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        counters = state["counters"]
        self.step, self.seen, self.total = counters["step"], counters["seen"], counters["total"]
        self.elapsed = 0.0 if fresh_clock else counters["elapsed"]
        self.from_step = self.step if fresh_clock else 0
        self.stretches = counters.get("stretches", [])

    def count(self, batch: Batch, seconds: float) -> None:
        """Keep account of a step that took that long."""
        self.step, self.seen = self.step + 1, self.seen + batch.ids.numel()
        self.elapsed, self.total = self.elapsed + seconds, self.total + seconds

    def report(self, loss: float) -> None:
        """One line: how far, how good, how fast, how long still."""
        self.shown = loss if math.isnan(self.shown) else 0.9 * self.shown + 0.1 * loss
        if self.step % 10:
            return
        speed = self.seen / max(self.total, 1e-9)
        left = self.elapsed * (1 / max(self.progress, 1e-9) - 1) / 60
        print(
            f"step {self.step:5d}  loss {self.shown:.4f}  {self.seen / 1e6:.2f}M tokens  "
            f"{speed:.0f} tok/s  {100 * self.progress:.1f} %  eta {left:.1f} min",
            flush=True,
        )

    def train(self) -> None:
        """Step until the plan is done, saving now and then."""
        saved = self.elapsed
        more = ", ".join(f"{name} x {factor:g}" for name, factor in self.plan.boost)
        self.stretches.append(f"from step {self.step}: {more or 'the plain mix'}")
        stream = self.stream()
        while self.progress < 1.0:
            began = time.monotonic()
            batch = next(stream)
            loss = self.update(batch)
            self.count(batch, time.monotonic() - began)
            self.report(loss)
            if self.elapsed - saved > 60 * self.plan.save_minutes:
                self.save()
                saved = self.elapsed
        self.save()
