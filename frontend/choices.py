"""How many choices a request wants, and how many sequences that takes. Knows counts, not how they are sampled."""

from typing import NamedTuple

from penstock.frontend.api.fields import SharedFields
from penstock.frontend.bounds import Bounds
from penstock.frontend.errors import bad_request


class Choices(NamedTuple):
    """Of each prompt."""

    n: int
    """That are answered."""
    best_of: int
    """That are generated; where they are more, the likeliest n are answered."""


def choices(asked: SharedFields, num_prompts: int, is_greedy: bool, bounds: Bounds) -> Choices:
    """Raises ApiError. Greedy sequences would all be the same, so there is no best of them."""
    n, best_of = _at_least_one(asked.n), asked.best_of
    if best_of is not None and best_of < n:
        raise bad_request(
            f"best_of must be greater than or equal to n={n}, got {best_of}.", "best_of", best_of
        )
    if best_of is None or (is_greedy and not asked.use_beam_search):
        best_of = n
    name = "best_of" if best_of > n else "n"
    if best_of * num_prompts > bounds.max_sequences:
        raise bad_request(
            f"{name}={best_of} for {num_prompts} prompt(s) exceeds the {bounds.max_sequences} "
            "sequences that this server queues.",
            name,
        )
    if best_of > n and asked.stream:
        raise bad_request(
            f"best_of={best_of} must equal n={n} when `stream=True`: which sequences are best is "
            "known at their end.",
            "best_of",
        )
    return Choices(n, best_of)


def _at_least_one(asked: int | None) -> int:
    n = 1 if asked is None else asked
    if n < 1:
        raise bad_request(f"n must be at least 1, got {n}.", "n", n)
    return n
