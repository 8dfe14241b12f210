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
    n = _at_least_one(asked.n)
    best_of = _best_of(asked.best_of, n)
    if is_greedy and not asked.use_beam_search:
        best_of = n
    _check_room(Choices(n, best_of), num_prompts, bounds.max_sequences)
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


def _best_of(asked: int | None, n: int) -> int:
    best_of = n if asked is None else asked
    if best_of < n:
        raise bad_request(
            f"best_of must be greater than or equal to n={n}, got {best_of}.", "best_of", best_of
        )
    return best_of


def _check_room(wanted: Choices, num_prompts: int, max_sequences: int) -> None:
    name = "best_of" if wanted.best_of > wanted.n else "n"
    if wanted.best_of * num_prompts > max_sequences:
        raise bad_request(
            f"{name}={wanted.best_of} for {num_prompts} prompt(s) exceeds the {max_sequences} "
            "sequences that this server queues.",
            name,
        )
