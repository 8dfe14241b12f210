"""Each slot's last sampled token, where the next step needs it. Knows no sequences.

T tokens of a step, N of them sampled, S slots.
"""

import torch


class LastTokens:
    """A table on the device; it stays where it is, so that captured work can read it."""

    def __init__(self, num_slots: int, device: torch.device) -> None:
        self._token_ids_S = torch.zeros(num_slots, dtype=torch.int64, device=device)

    def keep(self, slots_N: torch.Tensor, token_ids_N: torch.Tensor) -> None:
        """No slot appears twice."""
        self._token_ids_S.index_copy_(0, slots_N, token_ids_N)

    def look_up(self, token_ids_T: torch.Tensor) -> torch.Tensor:
        """`~slot` becomes the token that was sampled last in that slot."""
        sampled_T = self._token_ids_S[(~token_ids_T).clamp_(min=0)]
        return torch.where(token_ids_T < 0, sampled_T, token_ids_T)
