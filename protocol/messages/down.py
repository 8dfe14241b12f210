"""From the engine core to front ends. Knows fields, not what becomes of them."""

from penstock.protocol.messages.base import FinishReason, Message, RefusalCode
from penstock.protocol.messages.engine import EngineStats, Limits, ModelCard


class TokenLogprobs(Message, frozen=True):
    """Log probabilities of n consecutive tokens.

    `ids` (uint32) and `values` (float32) are row-major [n, width]: column 0 is the token itself, then
    the top ones (or the requested ids) in order. `ranks` (uint32) [n] is the token's rank, 1 the likeliest.
    """

    width: int
    ids: bytes
    values: bytes
    ranks: bytes


class Delta(Message, frozen=True):
    """New tokens of one sequence; `offset` counts output tokens before the first of them.

    A Delta whose end is at or below what the receiver has is a repeat and dropped; a gap is an error.
    """

    id: int
    offset: int
    token_ids: bytes
    finish: FinishReason | None = None
    stop_token: int | None = None
    logprobs: TokenLogprobs | None = None
    prompt_logprobs: TokenLogprobs | None = None
    """Of the next prompt tokens; arrives in order, a chunk of the prompt at a time, from token 1 on."""
    num_cached: int = 0
    """Prompt tokens that came from the prefix cache; on the first Delta."""
    queued_us: int = 0
    """Microseconds that it waited in the queue; on the first Delta."""


class Welcome(Message, frozen=True, tag=33):
    """Answers Hello. A changed `engine_epoch` means a new engine that knows no request of yours."""

    protocol_version: int
    engine_epoch: int
    card: ModelCard
    limits: Limits


class Tokens(Message, frozen=True, tag=34):
    """All that one step brought for one front end."""

    deltas: list[Delta]


class Result(Message, frozen=True, tag=35):
    """Answers one Control (or, one day, Embed)."""

    id: int
    payload: bytes


class Refused(Message, frozen=True, tag=36):
    """Request `id` will not be served (0: a message that did not decode). `retry_after_s` 0: do not retry."""

    id: int
    code: RefusalCode
    message: str
    retry_after_s: float = 0.0


class Pong(Message, frozen=True, tag=37):
    """Answers Ping."""

    seq: int
    stats: EngineStats


class Goodbye(Message, frozen=True, tag=38):
    """The sender leaves: from an engine, running streams will be continued by its successor, if any."""

    reason: str
