"""What the engine allows, as the front end checks it. Knows numbers, not where they are checked."""

import msgspec

from penstock.protocol.messages import Limits, ModelCard


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Taken from the engine's Welcome, so that a request is refused before it travels."""

    max_model_len: int
    vocab_size: int
    max_logprobs: int
    """Most top log probabilities; -1 is the vocabulary."""
    max_sequences: int
    """More than the engine queues would be refused in part, hence as a whole: all of them come before one runs."""

    @classmethod
    def of(cls, card: ModelCard, limits: Limits) -> "Bounds":
        return cls(
            max_model_len=card.max_model_len,
            vocab_size=card.vocab_size,
            max_logprobs=limits.max_logprobs,
            max_sequences=limits.max_queued_requests,
        )
