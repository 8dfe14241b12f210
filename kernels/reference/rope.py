"""Rotary position embedding, NeoX style: entry i turns with entry i + E. Knows no frequencies.

Legend: T tokens, N heads, D head dimension, E half the rotary dimension.

    a head   [ first E | second E | D - 2E that pass unturned ]
"""

import torch


def rope(x_TND: torch.Tensor, cos_TE: torch.Tensor, sin_TE: torch.Tensor) -> torch.Tensor:
    num_tokens, half = cos_TE.shape
    assert sin_TE.shape == cos_TE.shape, (sin_TE.shape, cos_TE.shape)
    assert x_TND.shape[0] == num_tokens, (x_TND.shape, cos_TE.shape)
    assert 2 * half <= x_TND.shape[-1], (x_TND.shape, cos_TE.shape)
    assert x_TND.dtype == cos_TE.dtype == sin_TE.dtype, (x_TND.dtype, cos_TE.dtype)
    cos_T1E, sin_T1E = cos_TE[:, None], sin_TE[:, None]
    first_TNE, second_TNE = x_TND[..., :half], x_TND[..., half : 2 * half]
    return torch.cat(
        (
            first_TNE * cos_T1E - second_TNE * sin_T1E,
            second_TNE * cos_T1E + first_TNE * sin_T1E,
            x_TND[..., 2 * half :],
        ),
        dim=-1,
    )
