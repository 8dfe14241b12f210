"""Into which groups a matrix's inputs are cut, of which each has a scale. Knows no tensors; see weight_codes.py."""

GROUPS = (128, 64, 32)
"""Inputs that share a scale, the first that divides them all."""


def group_size(num_inputs: int) -> int | None:
    """None where they cannot be cut into groups."""
    return next((group for group in GROUPS if num_inputs % group == 0), None)
