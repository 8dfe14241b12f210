"""What a server makes of random prompts: how long its tokens are, and how much fits. Knows no HTTP."""

from dataclasses import dataclass

_SPARE = 0.05
"""Of a context: random words are that many tokens on average alone."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Without a word from the server a random word is taken for a token, and everything fits."""

    tokens_per_word: float | None = None
    """None: not known."""
    template_tokens: float = 0.0
    """What a chat is longer than its messages."""
    max_model_len: int | None = None

    def num_words(self, num_tokens: int) -> int:
        """Words of about so many tokens; none of none."""
        return max(min(1, num_tokens), round(num_tokens / (self.tokens_per_word or 1)))

    def num_tokens(self, num_words: int) -> int:
        """About so many tokens are in them."""
        return round(num_words * (self.tokens_per_word or 1))

    def most_ids(self, output_len: int) -> int | None:
        """The longest prompt in token ids that fits beside such an answer; None: any does."""
        return None if self.max_model_len is None else max(1, self.max_model_len - output_len)

    def most_words(self, output_len: int) -> int | None:
        """The longest prompt in words that fits beside such an answer; None: any does."""
        if self.max_model_len is None:
            return None
        room = (1 - _SPARE) * (self.max_model_len - output_len - self.template_tokens)
        return max(1, int(room / (self.tokens_per_word or 1)))


UNMEASURED = Measure()
