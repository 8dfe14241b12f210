"""Under which names checkpoints hold the scales of keys and values. Knows no numbers.

They are not weights: whoever keeps keys and values in more than 8 bits does not need them.
"""

NAMES = (
    ("self_attn.k_scale", "self_attn.k_proj.k_scale"),
    ("self_attn.v_scale", "self_attn.v_proj.v_scale"),
)
"""Within a layer: for keys, then for values, whichever of them a checkpoint has."""


def full_names(layer: int) -> tuple[list[str], list[str]]:
    """All names that the layer's two scales may have, for keys and for values."""
    k_names, v_names = ([f"model.layers.{layer}.{name}" for name in names] for names in NAMES)
    return k_names, v_names


def scale_names(num_layers: int) -> frozenset[str]:
    """All that a checkpoint may hold."""
    return frozenset(
        name for layer in range(num_layers) for names in full_names(layer) for name in names
    )
