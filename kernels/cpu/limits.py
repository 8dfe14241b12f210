"""What the native kernels can take, in words that need no torch. Knows no kernel."""

DTYPES = ("bfloat16", "float32")
"""Of a model, by their names in torch."""
PAGE = 16
"""Tokens; a block of the cache is one or more pages."""
MAX_HEAD_DIM = 1024
GROUP = 32
"""Inputs that share a scale in quantized weights."""


def value_width(head_dim: int) -> int:
    """Columns that a value takes in the cache: rounded up to a page's 16. A key takes no more than it has."""
    return -(-head_dim // PAGE) * PAGE
