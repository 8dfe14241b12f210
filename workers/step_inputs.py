"""The numbers of one step in one flat buffer, so that one copy takes them to the device. Knows shapes, no sequences.

    [ token ids T | positions T | cache slots T | last N | slots N ]  int64
    [ starts P | context R | block tables R x B ]                     int32

T tokens of the step, R rows, P = R + 1, N rows that sample, B blocks of the longest row.
"""

from dataclasses import dataclass

import torch

from penstock.workers.extent import NARROW, WIDE, Extent


@dataclass(frozen=True, slots=True)
class StepInputs:
    """Views of a flat buffer, on the host or on the device."""

    token_ids_T: torch.Tensor
    """Or `~slot`, for the token that was sampled last in that slot."""
    positions_T: torch.Tensor
    cache_slots_T: torch.Tensor
    """block_id * block_size + offset; negative is nowhere."""
    last_N: torch.Tensor
    """The last token of each row that samples."""
    slots_N: torch.Tensor
    """Whose tokens these rows sample."""
    starts_P: torch.Tensor
    context_R: torch.Tensor
    block_tables_RB: torch.Tensor

    @property
    def num_rows(self) -> int:
        return len(self.context_R)


def inputs_in(flat: torch.Tensor, extent: Extent) -> StepInputs:
    """`flat` is uint8 and has at least `extent.num_bytes`."""
    num_wide = sum(extent.wide) * WIDE
    num_narrow = sum(extent.narrow) * NARROW
    wide = flat[:num_wide].view(torch.int64)
    narrow = flat[num_wide : num_wide + num_narrow].view(torch.int32)
    token_ids_T, positions_T, cache_slots_T, last_N, slots_N = torch.split(wide, extent.wide)
    starts_P, context_R, tables = torch.split(narrow, extent.narrow)
    return StepInputs(
        token_ids_T, positions_T, cache_slots_T, last_N, slots_N,
        starts_P, context_R, tables.view(extent.rows, extent.blocks),
    )  # fmt: skip
