"""One thing to measure: what it cannot do without, and how to run it. Knows no op and no device."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from penstock.bench.kernels.lab import Lab
    from penstock.bench.kernels.models import Model

ITEM = 2
"""Bytes of a number in bfloat16 and float16, which everything is but where it is said."""


@dataclass(frozen=True, slots=True)
class Work:
    """Bytes: each input read once, each output written once, no scratch. Operations: a product and a sum are two."""

    num_bytes: int
    num_operations: int


class Run(NamedTuple):
    """`torch` is the one operation of torch that does the same, where there is one."""

    kernel: Callable[[], object]
    torch: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`prepare` makes the tensors; they live as long as what it returns."""

    what: str
    work: Work
    prepare: Callable[["Lab"], Run]


def by_tokens(
    model: "Model",
    counts: Iterable[int],
    work: Callable[["Model", int], Work],
    run: Callable[["Model", int, "Lab"], Run],
    what: str = "tokens",
) -> Iterator[Case]:
    """One for each number of tokens."""
    for tokens in counts:
        yield Case(f"{what} {tokens}", work(model, tokens), partial(run, model, tokens))
