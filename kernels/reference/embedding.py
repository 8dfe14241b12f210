"""Looks up one row per token. Knows no vocabulary.

Legend: T tokens, V rows of the table, D hidden.
"""

import torch
import torch.nn.functional as F


def embedding(token_ids_T: torch.Tensor, weight_VD: torch.Tensor) -> torch.Tensor:
    assert token_ids_T.dtype == torch.int64, token_ids_T.dtype
    assert token_ids_T.dim() == 1, token_ids_T.shape
    assert weight_VD.dim() == 2, weight_VD.shape
    return F.embedding(token_ids_T, weight_VD)
