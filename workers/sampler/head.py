"""The largest entries of each row, ties by the lower id. Knows order, not probabilities.

The vocabulary is cut into blocks: the k largest entries lie in the k blocks with the largest
maxima, so one cheap pass for the maxima leaves few candidates to rank.

R rows, V vocabulary, B blocks of the vocabulary, K kept entries, C candidates.
"""

import torch

BLOCK = 32
ROWS_AT_ONCE = 2


def argmax(x_RV: torch.Tensor) -> torch.Tensor:
    """The lowest id among each row's largest entries, [R]."""
    best_R1 = block_maxima(x_RV).argmax(1, keepdim=True)
    values_RC, ids_RC = _candidates(x_RV, best_R1)
    return ids_RC.gather(1, values_RC.argmax(1, keepdim=True)).squeeze(1)


def head(x_RV: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k largest entries of each row and their ids, descending, ties by ascending id."""
    size = x_RV.shape[1]
    k = min(k, size)
    if k * BLOCK * 4 <= size:
        ids_RK = _ids_by_blocks(x_RV, k)
    else:
        ids_RK = torch.cat([_ids_by_keys(x_CV, k) for x_CV in torch.split(x_RV, ROWS_AT_ONCE)])
    return x_RV.gather(1, ids_RK), ids_RK


def select(x_RV: torch.Tensor, rows_N: torch.Tensor) -> torch.Tensor:
    """The named rows, which ascend; not copied when they are all there are."""
    return x_RV if len(rows_N) == len(x_RV) else x_RV[rows_N]


def block_maxima(x_RV: torch.Tensor) -> torch.Tensor:
    """The maximum of each block, the last of which may be short."""
    num_whole = x_RV.shape[1] // BLOCK
    max_RB = x_RV[:, : num_whole * BLOCK].view(len(x_RV), num_whole, BLOCK).amax(2)
    rest_RV = x_RV[:, num_whole * BLOCK :]
    return torch.cat([max_RB, rest_RV.amax(1, keepdim=True)], 1) if rest_RV.shape[1] else max_RB


def _candidates(x_RV: torch.Tensor, blocks_RK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """All entries of the named blocks and their ids; -inf beyond the vocabulary's end."""
    inside = torch.arange(BLOCK, device=x_RV.device)
    ids_RC = (blocks_RK[:, :, None] * BLOCK + inside).flatten(1)
    beyond_RC = ids_RC >= x_RV.shape[1]
    ids_RC.clamp_(max=x_RV.shape[1] - 1)
    return x_RV.gather(1, ids_RC).masked_fill_(beyond_RC, -torch.inf), ids_RC


def _ids_by_blocks(x_RV: torch.Tensor, k: int) -> torch.Tensor:
    max_RB = block_maxima(x_RV)
    best_RK = _keys(max_RB, torch.arange(max_RB.shape[1], device=x_RV.device)).topk(k).values
    values_RC, ids_RC = _candidates(x_RV, _id_of(best_RK))
    return _id_of(_keys(values_RC, ids_RC).topk(k).values)


def _ids_by_keys(x_CV: torch.Tensor, k: int) -> torch.Tensor:
    keys_CV = _keys(x_CV, torch.arange(x_CV.shape[1], device=x_CV.device))
    if k * 4 <= x_CV.shape[1]:
        return _id_of(keys_CV.topk(k).values)
    # A lone row of integers is radix sorted by torch: many times as fast as floats, or as rows together.
    descending_CV = torch.stack([keys_V.sort().values for keys_V in keys_CV.neg_()])
    return _id_of(descending_CV[:, :k].neg())


def _keys(values_RC: torch.Tensor, ids_C: torch.Tensor) -> torch.Tensor:
    """Unique int64 keys that order by value, then by lower id."""
    bits_RC = (values_RC + 0.0).view(torch.int32).long()  # + 0.0: both zeros are equal
    ordered_RC = torch.where(bits_RC < 0, bits_RC ^ 0x7FFFFFFF, bits_RC)
    return (ordered_RC << 32) - ids_C


def _id_of(keys: torch.Tensor) -> torch.Tensor:
    """The inverse of `_keys`, as far as ids go."""
    return -keys & 0xFFFFFFFF
