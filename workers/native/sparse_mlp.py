"""A mixture of experts as operations: models/sparse_mlp.py once more. Knows their order, not their insides.

normed -> router -> route -> group -> gather -> gate_up of each expert -> down of each expert -> combine -> residual
       '-> gate_up, down of the expert for all -------------------------------------------------^
"""

from penstock.kernels.cpu.combine import add_combine
from penstock.kernels.cpu.group import add_group
from penstock.kernels.cpu.linear import add_linear
from penstock.kernels.cpu.program import Extent, Program
from penstock.kernels.cpu.route import add_route
from penstock.workers.model_config import ExpertsConfig
from penstock.workers.native.buffers import Buffers, ExpertBuffers
from penstock.workers.native.products import Products
from penstock.workers.native.weights import SparseWeights


def add_sparse_mlp(
    program: Program, products: Products, config: ExpertsConfig, weights: SparseWeights,
    buffers: Buffers,
) -> None:  # fmt: skip
    """From `normed_TD` to what is added to `residual_TD`."""
    between = buffers.experts
    assert between is not None
    _add_routing(program, config, weights, buffers, between)
    _add_experts(program, products, weights, buffers, between)
    if weights.shared:
        products.gate_up(
            program, buffers.normed_TD, weights.shared.gate_up, between.shared_gated_TS
        )
        products.linear(
            program, Extent.TOKENS, between.shared_gated_TS, weights.shared.down,
            between.shared_out_TD,
        )  # fmt: skip
    shared_TD = between.shared_out_TD if weights.shared else None
    add_combine(
        program, between.routes, between.groups, between.out_ND, shared_TD, buffers.residual_TD
    )


def _add_routing(
    program: Program, config: ExpertsConfig, weights: SparseWeights, buffers: Buffers,
    between: ExpertBuffers,
) -> None:  # fmt: skip
    logits_TC = between.logits_TC
    add_linear(program, Extent.TOKENS, buffers.normed_TD, weights.router, logits_TC)
    add_route(program, logits_TC, config.num_experts, between.routes, normalize=config.normalizes)
    add_group(program, between.routes, between.groups)


def _add_experts(
    program: Program, products: Products, weights: SparseWeights, buffers: Buffers,
    between: ExpertBuffers,
) -> None:  # fmt: skip
    groups, experts = between.groups, weights.experts
    products.experts_gate_up(program, groups, buffers.normed_TD, experts.gate_up, between.gated_NF)
    products.experts_down(program, groups, between.gated_NF, experts.down, between.out_ND)
