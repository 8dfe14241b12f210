"""What an engine tells of itself. Knows fields, not who asks."""

from penstock.protocol.messages.base import Message


class ModelCard(Message, frozen=True):
    """What is being served, as the workers found it."""

    name: str
    max_model_len: int
    vocab_size: int
    dtype: str
    created: int
    """Unix seconds at which the model was loaded."""


class Limits(Message, frozen=True):
    """The bounds the engine enforces, so that a front end can refuse early and explain."""

    max_num_seqs: int
    max_num_batched_tokens: int
    max_queued_requests: int
    max_queued_tokens: int
    max_logprobs: int
    num_blocks: int
    block_size: int
    heartbeat_s: float
    """Both sides send at least this often."""
    silence_s: float
    """A peer silent for so long is taken for dead."""
    is_metered: bool = False
    """Whether there are limits: a front end should `Reserve`. A Welcome says so anew when that changes."""


class EngineStats(Message, frozen=True):
    """The load at one moment."""

    num_running: int = 0
    num_waiting: int = 0
    kv_cache_usage: float = 0.0
    """Share of the KV blocks that running sequences hold, 0 to 1."""
    busy: float = 0.0
    """Share of the last seconds that a model step was running, 0 to 1."""
    step_age_s: float = 0.0
    """Seconds since the last finished step while work waits; 0 when idle."""
    num_workers: int = 0
    num_frontends: int = 0
    draining: bool = False
    clock_s: float = 0.0
    """The engine's own clock at that moment: two of these give rates, whenever they were read."""
    num_prefilled_tokens: int = 0
    """Computed since the start in rows of more than one token: prompts, and what preemptions lost."""
    num_generated_tokens: int = 0
    num_queried_tokens: int = 0
    """Looked up in the prefix cache since the start; `num_hit_tokens` of them were found."""
    num_hit_tokens: int = 0
    num_preemptions: int = 0
