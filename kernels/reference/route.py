"""Which experts each token goes to, and how much each of them counts. Knows no experts.

Legend: T tokens, E experts, K experts of one token.
"""

import torch


def route(
    logits_TE: torch.Tensor, num_chosen: int, *, normalize: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (float32) and experts (int64), both [T, K], the likeliest first.

    The weights are softmax's over all experts; `normalize` makes those of the chosen ones add up to 1.
    """
    assert 0 < num_chosen <= logits_TE.shape[1], (num_chosen, logits_TE.shape)
    weights_TK, experts_TK = logits_TE.float().softmax(dim=-1).topk(num_chosen, dim=-1)
    if normalize:
        weights_TK = weights_TK / weights_TK.sum(dim=-1, keepdim=True)
    return weights_TK, experts_TK
