"""A mask has the last word: whatever else would shut out all it leaves, something of it is said."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from support.sampling_rows import Row, make_rows

from penstock.protocol.constraint import Constraint
from penstock.protocol.sampling import SamplingParams
from penstock.workers.sampler.sampler import Sampler

SIZE = 100
ALLOWED = (40, 41, 42)
CONSTRAINT = Constraint("regex", "a")


class FixedMasks:
    """The same few tokens for every slot."""

    def __init__(self, num_slots: int, has_mask: bool = True) -> None:
        bits = np.zeros((num_slots, 128), dtype=np.uint8)
        bits[:, ALLOWED] = 1
        self.words_SW = np.packbits(bits, axis=1, bitorder="little").view(np.uint32)
        self.has_mask = has_mask
        self.asked: list[int] = []

    def ready(self, slots_N: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        self.asked += slots_N.tolist()
        return np.full(len(slots_N), self.has_mask)

    def failures(self, slots_R: npt.NDArray[np.int64]) -> list[tuple[int, str]]:
        return []


def sampled(masks: FixedMasks, *all_params: SamplingParams) -> list[int]:
    torch.manual_seed(3)
    rows = [Row(torch.randn(SIZE) * 3, params, output=[1, 2]) for params in all_params]
    sampler = Sampler(len(rows), None, masks)
    for slot, row in enumerate(rows):
        sampler.start(slot, row.params)
    logits = torch.stack([row.logits for row in rows])
    return sampler.sample(logits, make_rows(rows, range(len(rows)))).token_ids_R.tolist()


@pytest.mark.parametrize("temperature", [0.0, 2.0])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"allowed_token_ids": (7, 8)},
        {"logit_bias": {7: 100.0, 40: -100.0}},
        {"bad_words": ((40,), (41,), (42,))},
        {"min_tokens": 90, "eos_token_ids": ALLOWED},
        {"top_k": 1, "top_p": 0.01, "min_p": 0.9},
        {"allowed_token_ids": (7,), "bad_words": ((40,), (41,), (42,)), "repetition_penalty": 9.0},
    ],
)
def test_nothing_brings_back_what_a_mask_shuts_out(
    temperature: float, fields: dict[str, object]
) -> None:
    for seed in range(20):
        params = SamplingParams(9, seed, temperature, constraint=CONSTRAINT, **fields)  # type: ignore[arg-type]
        assert sampled(FixedMasks(1), params)[0] in ALLOWED


def test_within_a_mask_the_other_parameters_still_choose() -> None:
    narrowed: dict[str, object] = {"allowed_token_ids": (7, 41)}
    banned: dict[str, object] = {"bad_words": ((40,), (42,))}
    for fields in (narrowed, banned):
        params = [
            SamplingParams(9, seed, 2.0, constraint=CONSTRAINT, **fields)  # type: ignore[arg-type]
            for seed in range(20)
        ]
        assert {sampled(FixedMasks(1), some)[0] for some in params} == {41}


def test_only_rows_with_a_constraint_wait_for_masks() -> None:
    masks = FixedMasks(3)
    free = SamplingParams(9, temperature=0.0, allowed_token_ids=(7,))
    tokens = sampled(masks, free, SamplingParams(9, temperature=0.0, constraint=CONSTRAINT), free)
    assert masks.asked == [1]
    assert (tokens[0], tokens[2]) == (7, 7)
    assert tokens[1] in ALLOWED


def test_a_row_that_has_no_mask_now_is_free() -> None:
    params = SamplingParams(9, temperature=0.0, constraint=CONSTRAINT, allowed_token_ids=(7, 8))
    assert sampled(FixedMasks(1, has_mask=False), params)[0] in (7, 8)
