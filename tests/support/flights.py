"""The same plans one at a time and two in flight, on any kind of stream. Knows runners and plans, no devices."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from penstock.protocol.constraint import Constraint
from penstock.protocol.plan import StepPlan, StepResult
from penstock.protocol.sampling import SamplingParams
from penstock.workers.device.inline import INLINE
from penstock.workers.device.stream import Stream
from penstock.workers.flight import Flight
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.sampler.ops import SamplingOps
from support.chain_masks import ChainMasks
from support.runner_driver import Driver, Seq
from support.tiny_decoder import VOCAB_SIZE

Varieties = Sequence[dict[str, Any]]
PLAIN: Varieties = (
    {},
    {"temperature": 0.0},
    {"top_k": 5, "logit_bias": {5: 4.0}},
    {"temperature": 0.0, "logprobs": 2},
    {"logprob_token_ids": (3, 9), "prompt_logprobs": 1},
)
"""What needs no token of the step before on the host."""
READING: Varieties = (
    {"repetition_penalty": 1.5, "frequency_penalty": 0.4},
    {"temperature": 0.0, "bad_words": ((3,), (5, 7)), "logprobs": 0},
    {"min_tokens": 6, "eos_token_ids": tuple(range(0, VOCAB_SIZE, 2))},
    {"constraint": Constraint("regex", "."), "logprobs": 1},
    {"constraint": Constraint("regex", "."), "presence_penalty": 1.0},
)


def make_seqs(
    dice: random.Random, num: int, varieties: Varieties, longest: int = 12, most_tokens: int = 12
) -> list[Seq]:
    return [
        Seq(
            [dice.randrange(VOCAB_SIZE) for _ in range(dice.randint(1, longest))],
            replace(SamplingParams(dice.randint(1, most_tokens), seed=i), **dice.choice(varieties)),
        )
        for i in range(num)
    ]


def one_at_a_time(
    model: DecoderModel, seqs: Sequence[Seq], dice: random.Random, num_slots: int = 4,
    stream: Stream = INLINE, preempt: float = 0.15, sampling: SamplingOps | None = None,
) -> Driver:  # fmt: skip
    """Its plans and results are what the others are held to."""
    masks = ChainMasks(num_slots, VOCAB_SIZE)
    driver = Driver(model, num_slots, stream=stream, masks=masks, sampling=sampling)
    driver.run(seqs, dice, preempt)
    return driver


@dataclass
class Flown:
    """What came of the plans, and in how many of them rows began with a token that the host did not know."""

    results: list[StepResult]
    num_blind: int
    driver: Driver


def two_in_flight(
    model: DecoderModel, plans: Sequence[StepPlan], dice: random.Random, stream: Stream,
    num_slots: int = 4, *, captures: bool = False, company: Company = NOBODY,
    sampling: SamplingOps | None = None, graph_bytes: int | None = None,
) -> Flown:  # fmt: skip
    """Lands now and then, sometimes when it need not wait, and prepares in between as an idle worker does."""
    masks = ChainMasks(num_slots, VOCAB_SIZE) if company.part.leads else None
    driver = Driver(
        model,
        num_slots,
        stream=stream,
        masks=masks,
        captures=captures,
        company=company,
        sampling=sampling,
        graph_bytes=graph_bytes,
    )
    flown = Flown([], 0, driver)
    flight = Flight(driver.runner, flown.results.append)
    for plan in plans:
        flown.num_blind += bool((driver.slots.tokens_SL < 0).any())
        flight.step(plan)
        if dice.random() < 0.3 or (dice.random() < 0.3 and flight.is_done()):
            flight.land()
            driver.runner.prepare()
    flight.land()
    return flown


def untimed(results: Sequence[StepResult]) -> list[StepResult]:
    return [replace(result, busy_s=0.0) for result in results]
