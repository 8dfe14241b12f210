"""How many prompt tokens may ride along with running streams, learnt from how long steps took. Knows no sequences.

A step that decodes is short; a prompt in it makes it longer, and every running stream waits for that. So a step
is modelled as

    seconds = decode + cost * prompt tokens

and prompts get as many tokens as keep it within a given stretch of `decode` alone, or within 10 ms. The prompts
lose little: on a CPU a token costs about the same in small chunks as in large ones. The more prompts there are
for each stream, the more wait for a first token than for a next one: the stretch grows with them.
"""

MIN_TOKENS = 8
UNNOTICED_S = 0.010
"""No step is bound below this: nobody sees it, and tiny steps cost more than they compute."""
_WEIGHT = 0.2
"""Of the newest step in the running means."""
_PURE_TOKENS = 64
"""A prompt's step tells the cost of a token from this size on: below, reading the weights is most of it."""


class Pacer:
    """`observe` every finished step; `bound` is for the next plan."""

    def __init__(self, stretch: float) -> None:
        """A step with prompts may take `stretch` times one without; at most 1 switches the bound off."""
        self._stretch = stretch
        self._decode_s: float | None = None
        self._token_s: float | None = None

    def observe(self, num_decoded: int, num_chunked: int, busy_s: float) -> None:
        """`num_decoded` rows of one token each beside `num_chunked` tokens of prompts."""
        if not num_chunked:
            self._decode_s = _mean(self._decode_s, busy_s)
        elif not num_decoded:
            if num_chunked >= _PURE_TOKENS:
                self._token_s = _mean(self._token_s, busy_s / num_chunked)
        elif self._decode_s is None:
            rest_s = busy_s - num_chunked * (self._token_s or 0.0)
            self._decode_s = max(rest_s, busy_s / 4)
        else:
            self._token_s = _mean(self._token_s, max(0.0, busy_s - self._decode_s) / num_chunked)

    def bound(self, crowd: float = 0.0) -> int | None:
        """Most prompt tokens in a step that decodes as well; None is no bound.

        `crowd` is how many prompts there are for each stream that decodes.
        """
        if self._stretch <= 1:
            return None
        if not self._decode_s or not self._token_s:
            return 8 * MIN_TOKENS
        stretch = self._stretch * (1 + crowd)
        allowed_s = max((stretch - 1) * self._decode_s, UNNOTICED_S - self._decode_s)
        return max(MIN_TOKENS, int(allowed_s / self._token_s))


def _mean(old: float | None, new: float) -> float:
    return new if old is None else old + _WEIGHT * (new - old)
