"""How much one step may hold. Knows settings and kinds of devices, no model.

The engine core decides by it; a worker on a GPU measures beforehand what such a step takes.
"""

from typing import NamedTuple

from penstock.protocol.settings.worker import WorkerSettings

MAX_NUM_SEQS = {"cpu": 64, "cuda": 256}
MAX_NUM_BATCHED_TOKENS = {"cpu": 2048, "cuda": 8192}


class StepBounds(NamedTuple):
    """The most of both in one step."""

    num_tokens: int
    num_seqs: int


def step_bounds(settings: WorkerSettings, device: str, max_model_len: int) -> StepBounds:
    """What was asked for, else the device's defaults. Without chunked prefill the longest prompt fits a step."""
    num_tokens = settings.max_num_batched_tokens
    if num_tokens is None:
        longest = 0 if settings.enable_chunked_prefill else max_model_len
        num_tokens = max(MAX_NUM_BATCHED_TOKENS[device], longest)
    return StepBounds(num_tokens, min(settings.max_num_seqs or MAX_NUM_SEQS[device], num_tokens))
