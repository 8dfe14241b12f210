"""Sampling as one would explain it: one row, plain Python, no cleverness. Knows no batch and no tensors."""

import math
from collections import Counter

from penstock.protocol.sampling import SamplingParams

BAN = 1e4


def reshaped(
    logits: list[float], params: SamplingParams, prompt: list[int], output: list[int]
) -> list[float]:
    """The logits after bias, penalties and bans."""
    result = [logit + params.logit_bias.get(i, 0.0) for i, logit in enumerate(logits)]
    for i in {*prompt, *output}:
        penalty = params.repetition_penalty
        result[i] = result[i] / penalty if result[i] > 0 else result[i] * penalty
    for i, count in Counter(output).items():
        result[i] -= params.frequency_penalty * count + params.presence_penalty
    for i in banned(params, prompt, output):
        result[i] -= BAN
    if params.allowed_token_ids:
        result = [x if i in params.allowed_token_ids else -math.inf for i, x in enumerate(result)]
    return result


def banned(params: SamplingParams, prompt: list[int], output: list[int]) -> set[int]:
    ids: set[int] = set()
    if len(output) < params.min_tokens:
        ids |= {*params.eos_token_ids, *params.stop_token_ids}
    known = prompt + output
    for word in params.bad_words:
        prefix = list(word[:-1])
        if known[len(known) - len(prefix) :] == prefix:
            ids.add(word[-1])
    return ids


def distribution(logits: list[float], params: SamplingParams) -> list[tuple[int, float]]:
    """What reshaped logits leave to sample from: (id, probability), in the order that is drawn from."""
    best = max(logits)
    weights = [(i, math.exp((x - best) / params.temperature)) for i, x in enumerate(logits)]
    weights = [(i, w) for i, w in weights if w >= params.min_p]
    if params.top_k > 0 or params.top_p < 1 or params.min_p > 0:
        weights.sort(key=lambda pair: (-logits[pair[0]], pair[0]))
    if params.top_k > 0:
        weights = weights[: params.top_k]
    if params.top_p < 1:
        weights = nucleus(weights, params.top_p)
    total = sum(w for _, w in weights)
    return [(i, w / total) for i, w in weights]


def nucleus(weights: list[tuple[int, float]], top_p: float) -> list[tuple[int, float]]:
    total, before, kept = sum(w for _, w in weights), 0.0, []
    for i, weight in weights:
        if before >= top_p * total:
            break
        kept.append((i, weight))
        before += weight
    return kept


def interval(chances: list[tuple[int, float]], token_id: int) -> tuple[float, float]:
    """The part of [0, 1) that draws `token_id`; empty and beyond 1 where nothing does."""
    before = 0.0
    for i, chance in chances:
        if i == token_id:
            return before, before + chance
        before += chance
    return math.inf, math.inf
