"""Steps launched before the ones ahead are collected, on a device that is late, give what one at a time gives."""

import random

import pytest
from support.flights import (
    PLAIN,
    READING,
    Varieties,
    make_seqs,
    one_at_a_time,
    two_in_flight,
    untimed,
)
from support.late_stream import LateStream
from support.runner_driver import Seq, load_tiny
from support.thread_ranks import run_ranks
from support.tiny_decoder import write_tiny_model

from penstock.protocol.constraint import Constraint
from penstock.protocol.sampling import SamplingParams
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.parallel.company import Company


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DecoderModel:
    return load_tiny(write_tiny_model(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize(
    "varieties", [PLAIN, READING, (*PLAIN, *READING)], ids=["plain", "reading", "both"]
)
@pytest.mark.parametrize("seed", range(8))
def test_random_plans(model: DecoderModel, varieties: Varieties, seed: int) -> None:
    dice = random.Random(seed)
    history = one_at_a_time(model, make_seqs(dice, 9, varieties), dice).history
    flown = two_in_flight(model, [plan for plan, _ in history], dice, LateStream(dice))
    assert untimed(flown.results) == untimed([result for _, result in history])
    assert flown.num_blind > len(history) / 3, "hardly a plan was launched ahead"


@pytest.mark.parametrize("seed", range(3))
def test_a_rank_that_follows_learns_its_tokens_on_the_device(
    model: DecoderModel, seed: int
) -> None:
    """Each rank is late in its own way; the leading one waits for tokens where the other does not."""
    dice = random.Random(seed)
    history = one_at_a_time(model, make_seqs(dice, 6, (*PLAIN, *READING)), dice).history
    plans = [plan for plan, _ in history]

    def work(company: Company) -> list[bytes]:
        own = random.Random(seed + company.part.rank)
        flown = two_in_flight(model, plans, own, LateStream(own), company=company)
        return [result.token_ids for result in flown.results]

    expected = [result.token_ids for _, result in history]
    assert run_ranks(work, 2, 1) == [expected, expected]


def test_a_slot_that_has_changed_hands_keeps_its_tokens(model: DecoderModel) -> None:
    """The plan that frees and refills a slot is launched while the token of its last owner is on its way."""
    constrained = SamplingParams(4, constraint=Constraint("regex", "."), repetition_penalty=1.3)
    first, other = Seq([7, 8, 9], SamplingParams(20, temperature=0.0)), Seq([1], SamplingParams(20))
    second = Seq([4, 5], constrained)
    driver = one_at_a_time(model, [], random.Random())
    driver.free_slots = [2, 1]
    driver.execute([first, other], [first, other], [3, 1])
    driver.preempt(first)
    driver.execute([second], [second], [2])
    for _ in range(3):
        driver.execute([], [second, other], [1, 1])
    assert second.slot == 1, "it was to take the slot that was just freed"
    plans, results = zip(*driver.history, strict=True)
    for seed in range(20):
        dice = random.Random(seed)
        flown = two_in_flight(model, plans, dice, LateStream(dice))
        assert untimed(flown.results) == untimed(results)
