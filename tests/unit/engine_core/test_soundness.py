"""What would kill a worker is refused, whoever let it through."""

import math
from typing import Any

import pytest

from penstock.engine_core.sequence import Sequence
from penstock.engine_core.soundness import Soundness
from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.messages import RefusalCode
from penstock.protocol.sampling import SamplingParams

VOCAB_SIZE = 100


def fault(prompt: tuple[int, ...] = (1,), emitted: tuple[int, ...] = (), **fields: Any) -> str:
    params = SamplingParams(**{"max_tokens": 5, **fields})
    sequence = Sequence(1, prompt, params, emitted=emitted)
    found = Soundness(VOCAB_SIZE, 20, 2048).examine(sequence)
    assert found is None or found.code is RefusalCode.MALFORMED
    return found.message if found else ""


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": (0, 99), "emitted": (99,)},
        {"max_tokens": 0, "prompt_logprobs": 0},
        {"top_k": 1 << 40, "max_tokens": 1 << 40, "temperature": 0, "logprobs": 20},
        {"logit_bias": {99: -100.0}, "bad_words": ((), (1, 99)), "stop_token_ids": (99,)},
        {"eos_token_ids": (5000,)},
        {"seed": -(1 << 70)},
        {"constraint": Constraint("regex", "a"), "eos_token_ids": (2,)},
        {"thinking": Thinking((1,), ((2, 99), (3,)), budget=0)},
        {"thinking": Thinking((), ((2,),), begins_inside=True)},
    ],
)
def test_what_a_worker_can_compute_is_let_in(fields: dict[str, Any]) -> None:
    assert fault(**fields) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": (1, 100)},
        {"emitted": (100,)},
        {"stop_token_ids": (-1,)},
        {"allowed_token_ids": (100,)},
        {"allowed_token_ids": (1,) * 101},
        {"logit_bias": {1 << 63: 1.0}},
        {"logit_bias": {1: math.nan}},
        {"bad_words": ((1, 2), (100,))},
        {"bad_words": ((1,) * 1000, (2,) * 1000)},
        {"logprob_token_ids": (1,) * 1025},
        {"eos_token_ids": (-1,)},
        {"eos_token_ids": (1 << 32,)},
        {"logprobs": 21},
        {"logprobs": -2},
        {"prompt_logprobs": -1},
        {"top_k": 1 << 63},
        {"top_k": -1},
        {"max_tokens": -1},
        {"min_tokens": -1},
        {"temperature": math.inf},
        {"temperature": -1.0},
        {"top_p": 1.5},
        {"min_p": math.nan},
        {"repetition_penalty": -1.0},
        {"frequency_penalty": math.nan},
        {"constraint": Constraint("regex", "a")},
        {"thinking": Thinking((1,), ((2,), (100,)))},
        {"thinking": Thinking((-1,), ((2,),))},
        {"thinking": Thinking((1,), ())},
        {"thinking": Thinking((1,), ((2,), ()))},
        {"thinking": Thinking((1,), ((2,),), answer_starts=((),))},
        {"thinking": Thinking((1,), ((2,),), answer_starts=((100,),))},
        {"thinking": Thinking((1,), ((2,),), other_starts=((),))},
        {"thinking": Thinking((1,), ((2,),), other_starts=((100,),))},
        {"thinking": Thinking((1,), ((2,),), prefaces=((3,), ()))},
        {"thinking": Thinking((1,), ((2,),), prefaces=((100,),))},
        {"thinking": Thinking((1,), ((2,),) * 1025)},
        {"thinking": Thinking((1,), ((2,),), budget=1 << 31)},
        {"thinking": Thinking((1,), ((2,),), budget=-2)},
        {"thinking": Thinking((), ((2,),))},
    ],
)
def test_what_no_worker_can_compute_is_named(fields: dict[str, Any]) -> None:
    (name,) = fields
    assert ("prompt" if name == "emitted" else name) in fault(**fields)


def test_a_constraint_has_a_size_at_most() -> None:
    long = Constraint("regex", "a" * 1_000_000, whitespace_pattern=" " * 100_000)
    assert "constraint" in fault(constraint=long, eos_token_ids=(2,))


def test_minus_one_asks_for_the_whole_vocabulary_where_that_is_allowed() -> None:
    sequence = Sequence(1, [1], SamplingParams(max_tokens=1, logprobs=-1))
    assert Soundness(VOCAB_SIZE, -1, 2048).examine(sequence) is None
    assert Soundness(VOCAB_SIZE, 99, 2048).examine(sequence)


@pytest.mark.parametrize(
    ("vocab_size", "budget", "num_prompt", "fits"),
    [
        (150_000, 2048, 3000, False),
        (150_000, 2048, 20, True),
        (150_000, 16, 3000, True),
        (500, 2048, 3000, True),
    ],
)
def test_a_prompts_scores_fit_a_message_chunk_by_chunk(
    vocab_size: int, budget: int, num_prompt: int, fits: bool
) -> None:
    sequence = Sequence(1, [1] * num_prompt, SamplingParams(max_tokens=1, prompt_logprobs=-1))
    assert (Soundness(vocab_size, -1, budget).examine(sequence) is None) == fits
