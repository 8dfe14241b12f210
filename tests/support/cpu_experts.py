"""A mixture of experts on native kernels, one operation or all of them, and what the reference makes of it.

T tokens, D hidden, E experts, F an expert's width, K experts of one token, N = T K rows.
"""

from dataclasses import dataclass

import torch

from penstock.kernels.cpu.combine import add_combine
from penstock.kernels.cpu.group import Groups, add_group, make_groups
from penstock.kernels.cpu.library import Library
from penstock.kernels.cpu.program import Program, Team
from penstock.kernels.cpu.quant_weights import Bits
from penstock.kernels.cpu.route import Routes, add_route, make_routes
from penstock.workers.native.products import PlainProducts, Products, QuantizedProducts
from support.cpu_quant import run_step


@dataclass(frozen=True)
class Shape:
    hidden: int
    width: int
    num_experts: int
    num_chosen: int


def random_experts(num_tokens: int, shape: Shape, seed: int) -> torch.Tensor:
    """[T, K], each token's all different, the first ones wanted far more often than the last."""
    dice = torch.Generator().manual_seed(seed)
    bias_E = torch.linspace(3, 0, shape.num_experts)
    noise_TE = torch.rand(num_tokens, shape.num_experts, generator=dice) * 4
    return (noise_TE + bias_E).topk(shape.num_chosen, dim=-1).indices


class Mixture:
    """Weights of one layer; `logits` decide who goes where."""

    def __init__(
        self, library: Library, team: Team, shape: Shape, dtype: torch.dtype,
        bits: Bits | None = None,
    ) -> None:  # fmt: skip
        self.dice = torch.Generator().manual_seed(shape.hidden + shape.width)
        self.library, self.team, self.shape, self.dtype = library, team, shape, dtype
        self.gate_up_EJD = self._matrices(2 * shape.width, shape.hidden)
        self.down_EDF = self._matrices(shape.hidden, shape.width)
        self.products = products_of(library, team, bits)
        count = shape.num_experts
        self.gate_up = self.products.pack_gate_up(list(self.gate_up_EJD), None, count)
        self.down = self.products.pack(list(self.down_EDF), None, count)

    def tokens(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """x [T, D] and the router's logits [T, E]."""
        x_TD = torch.randn(count, self.shape.hidden, generator=self.dice).to(self.dtype)
        return x_TD, torch.randn(count, self.shape.num_experts, generator=self.dice) * 2

    def run(
        self, team: Team, x_TD: torch.Tensor, logits_TE: torch.Tensor,
        shared_TD: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """What is added to a residual of zeros. With `shared` the logits have one more column."""
        shape, num_tokens = self.shape, len(x_TD)
        routes = make_routes(num_tokens, shape.num_chosen)
        groups = make_groups(num_tokens, shape.num_chosen, shape.num_experts)
        gated_NF = torch.empty(groups.num_rows, shape.width, dtype=self.dtype)
        out_ND = torch.empty(groups.num_rows, shape.hidden)
        residual_TD = torch.zeros(num_tokens, shape.hidden)

        def add(program: Program) -> None:
            add_route(program, logits_TE, shape.num_experts, routes, normalize=True)
            add_group(program, routes, groups)
            self.products.experts_gate_up(program, groups, x_TD, self.gate_up, gated_NF)
            self.products.experts_down(program, groups, gated_NF, self.down, out_ND)
            add_combine(program, routes, groups, out_ND, shared_TD, residual_TD)

        run_step(self.library, team, num_tokens, add)
        return residual_TD

    def _matrices(self, rows: int, columns: int) -> torch.Tensor:
        shape = (self.shape.num_experts, rows, columns)
        return (torch.randn(shape, generator=self.dice) / columns**0.5).to(self.dtype)


def products_of(library: Library, team: Team, bits: Bits | None) -> Products:
    return QuantizedProducts(library, team, bits) if bits else PlainProducts(library, team)


def grouped(
    library: Library, team: Team, experts_TK: torch.Tensor, num_experts: int
) -> tuple[Routes, Groups]:
    """Where `add_group` puts such choices."""
    routes = make_routes(*experts_TK.shape)
    routes.experts_TK.copy_(experts_TK)
    groups = make_groups(*experts_TK.shape, num_experts)
    run_step(library, team, len(experts_TK), lambda program: add_group(program, routes, groups))
    return routes, groups
