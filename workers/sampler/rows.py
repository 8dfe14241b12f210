"""The rows that sample in one step. Knows their slots and token histories, not logits.

R rows, S slots, L places of a slot's history, P pairs of a row and a token id.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from penstock.kernels.upload import upload

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Row i samples the token at position `lengths_R[i]` of slot `slots_R[i]`."""

    slots_R: Ints
    lengths_R: Ints
    num_prompt_R: Ints
    tokens_SL: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Single places in [R, V]: how sparse features touch logits in one indexed operation."""

    rows_P: Ints
    ids_P: Ints

    def index(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """For `logits_RV[...]`."""
        return upload(self.rows_P, device), upload(self.ids_P, device)


def pair(rows: list[int], ids: list[Ints]) -> Pairs:
    """Pairs `rows[i]` with all of `ids[i]`."""
    counts = np.array([len(some) for some in ids], dtype=np.int64)
    flat_P = np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)
    return Pairs(np.repeat(np.array(rows, dtype=np.int64), counts), flat_P)
