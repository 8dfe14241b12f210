"""Steps launched before the ones ahead are collected, on a device that is late, give what one at a time gives."""

import random
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from support.chain_masks import ChainMasks
from support.late_stream import LateStream
from support.runner_driver import Driver, Seq, load_tiny
from support.tiny_decoder import VOCAB_SIZE, write_tiny_model

from penstock.protocol.constraint import Constraint
from penstock.protocol.plan import StepPlan, StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.workers.flight import Flight
from penstock.workers.models.decoder import DecoderModel

NUM_SLOTS = 4
PLAIN = (
    {},
    {"temperature": 0.0},
    {"top_k": 5, "logit_bias": {5: 4.0}},
    {"temperature": 0.0, "logprobs": 2},
    {"logprob_token_ids": (3, 9), "prompt_logprobs": 1},
)
"""What needs no token of the step before on the host."""
READING = (
    {"repetition_penalty": 1.5, "frequency_penalty": 0.4},
    {"temperature": 0.0, "bad_words": ((3,), (5, 7)), "logprobs": 0},
    {"min_tokens": 6, "eos_token_ids": tuple(range(0, VOCAB_SIZE, 2))},
    {"constraint": Constraint("regex", "."), "logprobs": 1},
    {"constraint": Constraint("regex", "."), "presence_penalty": 1.0},
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DecoderModel:
    return load_tiny(write_tiny_model(tmp_path_factory.mktemp("tiny")))


def make_seqs(dice: random.Random, num: int, varieties: tuple[dict, ...]) -> list[Seq]:
    return [
        Seq(
            [dice.randrange(VOCAB_SIZE) for _ in range(dice.randint(1, 12))],
            replace(SamplingParams(dice.randint(1, 12), seed=i), **dice.choice(varieties)),
        )
        for i in range(num)
    ]


def one_at_a_time(model: DecoderModel, seqs: list[Seq], dice: random.Random) -> Driver:
    """Its plans and results are what the others are held to."""
    driver = Driver(model, NUM_SLOTS, masks=ChainMasks(NUM_SLOTS, VOCAB_SIZE))
    driver.run(seqs, dice, preempt=0.15)
    return driver


@dataclass
class Flown:
    """What came of the plans, and in how many of them rows began with a token that the host did not know."""

    results: list[StepResult]
    num_blind: int


def two_in_flight(model: DecoderModel, plans: list[StepPlan], dice: random.Random) -> Flown:
    stream, masks = LateStream(dice), ChainMasks(NUM_SLOTS, VOCAB_SIZE)
    driver = Driver(model, NUM_SLOTS, stream=stream, masks=masks)
    flown = Flown([], 0)
    flight = Flight(driver.runner, flown.results.append)
    for plan in plans:
        flown.num_blind += bool((driver.slots.tokens_SL < 0).any())
        flight.step(plan)
        if dice.random() < 0.3 or (dice.random() < 0.3 and flight.is_done()):
            flight.land()
    flight.land()
    return flown


def assert_alike(ours: list[StepResult], theirs: list[StepResult]) -> None:
    untimed = [[replace(result, busy_s=0.0) for result in results] for results in (ours, theirs)]
    assert untimed[0] == untimed[1]


@pytest.mark.parametrize(
    "varieties", [PLAIN, READING, PLAIN + READING], ids=["plain", "read", "both"]
)
@pytest.mark.parametrize("seed", range(8))
def test_random_plans(model: DecoderModel, varieties: tuple[dict, ...], seed: int) -> None:
    dice = random.Random(seed)
    history = one_at_a_time(model, make_seqs(dice, 9, varieties), dice).history
    flown = two_in_flight(model, [plan for plan, _ in history], dice)
    assert_alike(flown.results, [result for _, result in history])
    assert flown.num_blind > len(history) / 3, "hardly a plan was launched ahead"


def test_a_slot_that_has_changed_hands_keeps_its_tokens(model: DecoderModel) -> None:
    """The plan that frees and refills a slot is launched while the token of its last owner is on its way."""
    seqs = [Seq([7, 8, 9], SamplingParams(20, temperature=0.0)), Seq([1], SamplingParams(20))]
    constrained = SamplingParams(4, constraint=Constraint("regex", "."), repetition_penalty=1.3)
    second = Seq([4, 5], constrained)
    driver = Driver(model, NUM_SLOTS, masks=ChainMasks(NUM_SLOTS, VOCAB_SIZE))
    driver.free_slots = [2, 1]
    driver.execute(seqs, seqs, [3, 1])
    driver.preempt(seqs[0])
    driver.execute([second], [second], [2])
    for _ in range(3):
        driver.execute([], [second, seqs[1]], [1, 1])
    assert second.slot == 1, "it was to take the slot that was just freed"
    plans = [plan for plan, _ in driver.history]
    for seed in range(20):
        flown = two_in_flight(model, plans, random.Random(seed))
        assert_alike(flown.results, [result for _, result in driver.history])
