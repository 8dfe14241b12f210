"""A step's pairs of a token and one of its experts, sorted by expert. See `source/groups.hpp`.

T tokens, K experts of one token, N = T K pairs, each with a row of its own; B bytes of a row.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.memory import zeros
from penstock.kernels.cpu.program import Program
from penstock.kernels.cpu.route import Routes

_BLOCK_INTS = 3


@dataclass(frozen=True, slots=True)
class Groups:
    """Tensors are int32; a step fills what it has rows for."""

    places_TK: torch.Tensor
    """The row of each pair."""
    tokens_N: torch.Tensor
    """The token of each row."""
    blocks_N3: torch.Tensor
    """Expert, first row, end; no block is empty."""
    num_blocks_1: torch.Tensor
    num_experts: int

    @property
    def num_chosen(self) -> int:
        return self.places_TK.shape[1]

    @property
    def num_rows(self) -> int:
        return len(self.tokens_N)


def make_groups(num_tokens: int, num_chosen: int, num_experts: int) -> Groups:
    num_rows = num_tokens * num_chosen
    return Groups(
        places_TK=zeros((num_tokens, num_chosen), torch.int32),
        tokens_N=zeros((num_rows,), torch.int32),
        blocks_N3=zeros((num_rows, _BLOCK_INTS), torch.int32),
        num_blocks_1=zeros((1,), torch.int32),
        num_experts=num_experts,
    )


def add_group(program: Program, routes: Routes, groups: Groups) -> None:
    """Whatever comes after it in the program may read `groups`."""
    assert routes.experts_TK.shape == groups.places_TK.shape, groups.places_TK.shape
    program.add(
        "group", routes.experts_TK, groups.num_experts, groups.num_chosen, groups.places_TK,
        groups.tokens_N, groups.blocks_N3, groups.num_blocks_1,
    )  # fmt: skip


def add_gather(program: Program, groups: Groups, x: torch.Tensor, out: torch.Tensor) -> None:
    """Row n of `out` becomes the row of `x` [T, ...] that belongs to its token."""
    assert x.dtype == out.dtype, (x.dtype, out.dtype)
    assert x.shape[1:] == out.shape[1:], (x.shape, out.shape)
    assert (len(x), len(out)) == (len(groups.places_TK), groups.num_rows), (x.shape, out.shape)
    row_bytes = x[0].nbytes
    program.add("gather", groups.tokens_N, groups.num_chosen, x, out, row_bytes)
