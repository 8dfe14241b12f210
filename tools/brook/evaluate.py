"""Scores an exported folder on the held-out cases through transformers. Knows no training."""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .cases import Case, held_out

BATCH = 25


@dataclass
class Score:
    """How many of a domain's answers passed, and how many were exactly right."""

    count: int = 0
    passed: int = 0
    exact: int = 0

    def percent(self, what: int) -> float:
        return 100 * what / self.count


class Speaker:
    """An exported model that answers greedily: bf16 weights, float32 arithmetic."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.model = model.to(self.device).eval()

    def prompt(self, case: Case) -> str:
        return self.tokenizer.apply_chat_template(
            case.messages,
            tools=case.tools or None,
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=case.thinking,
        )

    @torch.inference_mode()
    def answers(self, prompts: list[str], longest: int = 200) -> list[str]:
        """Greedy answers to a batch of prompts."""
        inputs = self.tokenizer(
            prompts, return_tensors="pt", padding=True, add_special_tokens=False
        ).to(self.device)
        inputs.pop("token_type_ids", None)
        out = self.model.generate(
            **inputs, max_new_tokens=longest, do_sample=False, temperature=None, top_p=None
        )
        fresh = out[:, inputs["input_ids"].shape[1] :]
        return self.tokenizer.batch_decode(fresh, skip_special_tokens=True)


def score(folder: Path, seed: int, count: int, shown: int = 0) -> dict[str, Score]:
    """Score every domain on `count` cases; prints up to `shown` failures of each."""
    speaker = Speaker(folder)
    scores: dict[str, Score] = defaultdict(Score)
    cases = sorted(held_out(seed, count), key=lambda case: (case.domain, len(speaker.prompt(case))))
    began = time.monotonic()
    for at in range(0, len(cases), BATCH):
        some = cases[at : at + BATCH]
        prompts = [speaker.prompt(case) for case in some]
        for case, answer in zip(some, speaker.answers(prompts), strict=True):
            note(scores[case.domain], case, answer, shown)
        done = at + len(some)
        print(f"{done}/{len(cases)} answered, {time.monotonic() - began:.0f} s", flush=True)
    return dict(scores)


def note(entry: Score, case: Case, answer: str, shown: int) -> None:
    """Count one answer; print it where it failed and the failures so far were few."""
    entry.count += 1
    entry.passed += case.passes(answer)
    entry.exact += case.exact(answer)
    if not case.exact(answer) and entry.count - entry.exact <= shown:
        print(f"[{case.domain}] {case.messages[-1]['content']!r} -> {answer!r}", flush=True)


def table(scores: dict[str, Score]) -> str:
    """The scores as a Markdown table."""
    lines = ["| held-out prompts | number | pass | exactly right |", "|---|---|---|---|"]
    lines += [
        f"| {TITLES[domain]} | {s.count} | {s.percent(s.passed):.1f} % | {s.percent(s.exact):.1f} % |"
        for domain, s in sorted(scores.items(), key=lambda item: list(TITLES).index(item[0]))
    ]
    return "\n".join(lines)


TITLES = {
    "addition": "two-digit addition: the sum is right",
    "name": "name given earlier in the chat: it is remembered",
    "tool": "tool call: it parses and matches its schema",
    "json": "JSON answer: it is valid under the schema",
    "no call": "tool offered and not needed: no call is made",
    "result": "tool result: its numbers are in the answer",
    "thought": "thought asked for: it is given, it closes, an answer follows",
    "addition after a thought": "two-digit addition after a thought: the sum is right",
    "tool after a thought": "tool call after a thought: it parses and matches its schema",
    "json after a thought": "JSON answer after a thought: it is valid under the schema",
    "no thought": "no thought asked for: none is given",
    "difference": "difference of numbers below a hundred: it is right",
    "product": "product up to twelve times twelve, all shown in training: it is right",
}
