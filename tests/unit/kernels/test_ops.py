"""Implementations of the ops have the same functions with the same parameters, and their own device."""

import inspect

import pytest
import torch

from penstock.kernels import reference
from penstock.kernels.ops import BY_DEVICE, IMPLEMENTATIONS, Ops, load_ops, ops_on


def ops_of(holder: object) -> dict[str, inspect.Signature]:
    names = [name for name in vars(Ops) if not name.startswith("_")]
    return {name: inspect.signature(getattr(holder, name)) for name in names}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_each_has_every_op_with_the_protocols_parameters(implementation):
    if implementation == "triton":
        pytest.importorskip("triton")
    found = load_ops(implementation)
    for name, signature in ops_of(Ops).items():
        without_self = signature.replace(parameters=list(signature.parameters.values())[1:])
        ours = inspect.signature(getattr(found, name))
        assert str(ours) == str(without_self), name


def test_a_cpu_has_the_oracle():
    assert ops_on(torch.device("cpu")) is reference
    assert set(BY_DEVICE.values()) == set(IMPLEMENTATIONS)
