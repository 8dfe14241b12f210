"""How one sequence is to be sampled, in token ids. Does not know stop strings: those live where text does."""

import msgspec

from penstock.protocol.constraint import Constraint, Thinking


class SamplingParams(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Checked at the front end's edge; the engine refuses what no worker could compute with.

    `temperature` 0 is greedy. `top_k` 0, `top_p` 1 and `min_p` 0 are off. `seed` is always set:
    sampling noise is a function of (seed, position) alone.
    """

    max_tokens: int
    seed: int = 0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    min_tokens: int = 0
    eos_token_ids: tuple[int, ...] = ()
    """End the sequence without a stop reason; empty when the request ignores EOS."""
    stop_token_ids: tuple[int, ...] = ()
    """End the sequence and name the token as the stop reason."""
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: dict[int, float] = {}
    allowed_token_ids: tuple[int, ...] = ()
    """The only ids that may be sampled; empty allows all."""
    bad_words: tuple[tuple[int, ...], ...] = ()
    """Token sequences whose last id is never sampled after the ids before it."""
    logprobs: int | None = None
    """How many top log probabilities to report with each token; -1 reports the whole vocabulary."""
    prompt_logprobs: int | None = None
    logprob_token_ids: tuple[int, ...] = ()
    """Ids whose log probability is reported beside the sampled token's, in place of the top ones."""
    constraint: Constraint | None = None
    """What the output has to match; `eos_token_ids` must then name the ids that may end it."""
    thinking: Thinking | None = None

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0.0
