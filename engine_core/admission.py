"""Which requests may enter the queue. Knows lengths and bounds, not the order of service."""

from typing import NamedTuple

import msgspec

from penstock.engine_core.queues import WaitingQueue
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import RefusalCode


class SchedulerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler is bound by; every default is resolved."""

    num_blocks: int
    block_size: int
    max_num_seqs: int
    max_num_batched_tokens: int
    max_model_len: int
    max_queued_requests: int
    max_queued_tokens: int
    prefix_caching: bool = True
    chunked_prefill: bool = True
    long_prefill_token_threshold: int = 0
    """Most tokens of one sequence in a step; 0 leaves it to the budget."""
    by_priority: bool = False
    delay_factor: float = 0.0
    """How many times the last prompt's step a prompt waits beside running streams; see admission_delay.py."""

    num_host_blocks: int = 0
    """Host memory for what preempted sequences will need again; see swap_space.py."""

    num_groups: int = 1
    """Over how many plans in flight the running sequences are spread. With more than one, as a model of several
    stages wants it, a sequence whose token is on its way waits for it: its next plan brings that token."""

    @property
    def awaits_tokens(self) -> bool:
        return self.num_groups > 1

    def __post_init__(self) -> None:
        assert self.max_model_len <= self.num_blocks * self.block_size
        assert self.chunked_prefill or self.max_model_len <= self.max_num_batched_tokens


class Rejection(NamedTuple):
    """Why a request may not enter. `bound` names the setting that a full queue ran into."""

    code: RefusalCode
    message: str
    bound: str = ""


Refusal = tuple[Sequence, Rejection]
"""Who was let in, and is refused after all."""


def examine(sequence: Sequence, config: SchedulerConfig, waiting: WaitingQueue) -> Rejection | None:
    """None lets it in."""
    misfit = misfits(sequence.num_prompt, sequence.num_emitted, config)
    was_admitted_elsewhere = sequence.num_emitted or sequence.num_crashes
    room = _beside_the_queue(config) if was_admitted_elsewhere else _of_the_queue(config)
    return misfit or _full(len(sequence.tokens), room, waiting)


def misfits(num_prompt: int, num_emitted: int, config: SchedulerConfig) -> Rejection | None:
    """Lengths that can never be served."""
    if not num_prompt:
        return Rejection(RefusalCode.MALFORMED, "the prompt is empty")
    if max(num_prompt + 1, num_prompt + num_emitted) <= config.max_model_len:
        return None
    return Rejection(
        RefusalCode.TOO_LONG,
        f"the prompt has {num_prompt} tokens; with at least one more to come it must stay within "
        f"max_model_len={config.max_model_len}",
    )


class _Room(NamedTuple):
    num_requests: int
    num_tokens: int


def _of_the_queue(config: SchedulerConfig) -> _Room:
    return _Room(config.max_queued_requests, config.max_queued_tokens)


def _beside_the_queue(config: SchedulerConfig) -> _Room:
    """All that an engine which died had queued and running may come back while the queue is full, and no more."""
    return _Room(
        2 * config.max_queued_requests + config.max_num_seqs,
        2 * config.max_queued_tokens + config.max_num_seqs * config.max_model_len,
    )


def _full(num_tokens: int, room: _Room, waiting: WaitingQueue) -> Rejection | None:
    num_waiting = len(waiting) + waiting.num_held
    if num_waiting >= room.num_requests:
        return Rejection(
            RefusalCode.OVERLOADED,
            f"{num_waiting} requests are waiting already",
            "max_num_queued_reqs",
        )
    if num_waiting and waiting.num_tokens + num_tokens > room.num_tokens:
        return Rejection(
            RefusalCode.OVERLOADED,
            f"{waiting.num_tokens} tokens are waiting already",
            "max_num_queued_tokens",
        )
    return None
