"""Adds what a token's experts made of it to its residual. See `source/combine.cpp`.

T tokens, K experts of one token, N rows sorted by expert, D hidden size.
"""

import torch

from penstock.kernels.cpu.group import Groups
from penstock.kernels.cpu.program import Program
from penstock.kernels.cpu.route import Routes


def add_combine(
    program: Program, routes: Routes, groups: Groups, rows_ND: torch.Tensor,
    shared_TD: torch.Tensor | None, residual_TD: torch.Tensor,
) -> None:  # fmt: skip
    """All float32; `shared` is what the expert for all made, where there is one."""
    hidden_size = residual_TD.shape[1]
    assert rows_ND.dtype == residual_TD.dtype == torch.float32, (rows_ND.dtype, residual_TD.dtype)
    assert rows_ND.shape == (groups.num_rows, hidden_size), (rows_ND.shape, groups.num_rows)
    if shared_TD is not None:
        assert shared_TD.dtype == torch.float32, shared_TD.dtype
        assert shared_TD.shape == residual_TD.shape, (shared_TD.shape, residual_TD.shape)
    program.add(
        "combine", rows_ND, groups.places_TK, routes.weights_TK, groups.num_chosen, shared_TD,
        routes.shared_T if shared_TD is not None else None, residual_TD, hidden_size,
    )  # fmt: skip
