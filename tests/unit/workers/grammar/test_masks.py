"""Masks and checks in the sampler: whatever else a request asks for, its answer matches."""

import json
import random
import time
from collections.abc import Iterator, Sequence

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.grammars import BROOK, EOS, TOKENIZER, VOCAB_SIZE, constrained, ids_of, text_of
from support.schemas import random_schema

from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar import answers as module
from penstock.workers.grammar import checks
from penstock.workers.grammar.checks import Checks
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.masks import Masks
from penstock.workers.sampler.report import answers
from penstock.workers.sampler.rows import Rows
from penstock.workers.sampler.sampler import Sampled, Sampler

PROMPT = [5, 6, 7]
NUM_SLOTS = 6
LENGTH = 4000


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    made = Compiler(TOKENIZER, VOCAB_SIZE)
    yield made
    made.close()


Held = type[Masks] | type[Checks]


@pytest.fixture(scope="module", params=[Masks, Checks])
def held(request: pytest.FixtureRequest) -> Held:
    """Asked before tokens are drawn, and after it."""
    kind: Held = request.param
    return kind


class Model:
    """Random logits, a sampler and what it is held to; a slot is one answer."""

    def __init__(self, compiler: Compiler, seed: int, held: Held = Checks) -> None:
        self.masks = held(NUM_SLOTS, compiler)
        self.sampler = (
            Sampler(NUM_SLOTS, None, checks=self.masks)
            if isinstance(self.masks, Checks)
            else Sampler(NUM_SLOTS, None, self.masks)
        )
        self.tokens_SL = np.zeros((NUM_SLOTS, LENGTH), dtype=np.int32)
        self.lengths_S = np.zeros(NUM_SLOTS, dtype=np.int64)
        self.generator = torch.Generator().manual_seed(seed)
        self.logits = torch.randn(64, VOCAB_SIZE, generator=self.generator) * 4

    def start(self, slot: int, params: SamplingParams, output: Sequence[int] = ()) -> None:
        self.tokens_SL[slot, : len(PROMPT) + len(output)] = [*PROMPT, *output]
        self.lengths_S[slot] = len(PROMPT) + len(output)
        self.sampler.start(slot, params)
        if params.constraint or params.thinking:
            self.masks.start(slot, params, list(output))

    def free(self, slot: int) -> None:
        self.masks.free(np.array([slot]))

    def step(self, slots: Sequence[int]) -> Sampled:
        slots_R = np.array(slots, dtype=np.int64)
        logits = self.logits[torch.randint(0, 64, (len(slots),), generator=self.generator)]
        prompts_R = np.full(len(slots), len(PROMPT))
        rows = Rows(slots_R, self.lengths_S[slots_R], prompts_R, self.tokens_SL)
        sampled = self.sampler.sample(logits, rows)
        token_ids_R = sampled.token_ids_R.numpy()
        self.tokens_SL[slots_R, self.lengths_S[slots_R]] = token_ids_R
        self.lengths_S[slots_R] += 1
        self.masks.advance(slots_R, token_ids_R)
        return sampled

    def output(self, slot: int) -> list[int]:
        return self.tokens_SL[slot, len(PROMPT) : self.lengths_S[slot]].tolist()

    def finish(self, slot: int, most: int = 3900) -> list[int]:
        while not (output := self.output(slot)) or output[-1] not in EOS:
            assert len(output) < most, text_of(output)
            assert self.step([slot]).failures == []
        return self.output(slot)


def wild(dice: random.Random) -> dict[str, object]:
    """Everything a request can ask for that might push a token through a mask, or the end away."""
    some = dice.sample(range(VOCAB_SIZE), 40)
    return {
        "temperature": dice.choice([0.0, 1.0, 2.0]),
        "top_k": dice.choice([0, 3]),
        "top_p": dice.choice([1.0, 0.3]),
        "seed": dice.randrange(1 << 60),
        "presence_penalty": dice.choice([0.0, -2.0, 2.0]),
        "repetition_penalty": dice.choice([1.0, 0.5, 2.0]),
        "logit_bias": dict.fromkeys(some, 100.0) if dice.random() < 0.5 else {},
        "allowed_token_ids": tuple(dice.sample(some, 7)) if dice.random() < 0.3 else (),
        "bad_words": tuple((token,) for token in ids_of('{}[]":, 0'))
        if dice.random() < 0.3
        else (),
        "min_tokens": dice.choice([0, 0, 200]),
        "logprobs": dice.choice([None, 2]),
    }


@examples(12)
@given(st.integers(0, 10**9))
def test_answers_to_random_schemas_validate_whatever_else_is_asked(
    compiler: Compiler, held: Held, seed: int
) -> None:
    schema = random_schema(seed)
    params = constrained(Constraint("json_schema", json.dumps(schema)), **wild(random.Random(seed)))
    model = Model(compiler, seed, held)
    model.start(0, params)
    answer = json.loads(text_of(model.finish(0)))
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)


def test_rows_in_company_are_those_that_they_are_alone(compiler: Compiler, held: Held) -> None:
    params = [
        constrained(Constraint("regex", "[a-c]{30}"), seed=1),
        SamplingParams(50, seed=2),
        constrained(Constraint("choice", '["x", "yy"]'), temperature=0.0),
    ]
    model = Model(compiler, 1, held)
    for slot, some in enumerate(params):
        model.start(slot, some)
    for _ in range(12):
        assert model.step([2, 0, 1]).failures == []
    assert set(text_of(model.output(0))) <= set("abc")
    assert text_of(model.output(2)) in ("x", "yy")
    assert model.output(2)[-1] in EOS
    assert len({*model.output(1)}) > 3


def test_a_preempted_answer_goes_on_where_it_was(compiler: Compiler, held: Held) -> None:
    number = {"type": "integer", "minimum": 0, "maximum": 99}
    schema = {"type": "array", "items": number, "minItems": 20, "maxItems": 20}
    params = constrained(Constraint("json_schema", json.dumps(schema)), seed=3)
    model = Model(compiler, 2, held)
    model.start(0, params)
    for slot in range(5):
        for _ in range(9):
            model.step([slot])
        output = model.output(slot)
        model.free(slot)
        model.start(slot + 1, params, output)
    assert len(json.loads(text_of(model.finish(5)))) == 20


def test_a_slot_is_free_for_another_constraint_at_once(compiler: Compiler, held: Held) -> None:
    model = Model(compiler, 3, held)
    for text in ("aaa", "bbb", "ccc"):
        model.start(0, constrained(Constraint("regex", text)))
        assert text_of(model.finish(0)) == text
        model.free(0)
    model.start(0, SamplingParams(5, seed=1))
    assert len({*[int(model.step([0]).token_ids_R[0]) for _ in range(5)]}) > 1


def test_the_log_probabilities_told_are_the_models_own(compiler: Compiler, held: Held) -> None:
    params = constrained(Constraint("regex", "[a-z]+"), logprobs=3, temperature=0.0)
    model = Model(compiler, 4, held)
    model.start(0, params)
    [(_, found)] = answers(model.step([0]).reports)
    top = np.frombuffer(found.ids, dtype="<u4")[1:].tolist()
    assert set(top) - {int(model.tokens_SL[0, len(PROMPT)])}
    assert np.frombuffer(found.ranks, dtype="<u4")[0] > 1


def test_a_budget_alone_needs_no_constraint(compiler: Compiler, held: Held) -> None:
    thinking = Thinking((10,), ((11, 12),), begins_inside=True, budget=4)
    model = Model(compiler, 5, held)
    model.start(0, SamplingParams(50, seed=1, thinking=thinking))
    for _ in range(9):
        model.step([0])
    assert model.output(0)[4:6] == [11, 12]
    unbounded = SamplingParams(50, seed=1, thinking=Thinking((10,), ((11,),), begins_inside=True))
    model.sampler.start(1, unbounded)


def test_a_failure_is_told_in_every_step_until_the_slot_is_free(
    compiler: Compiler, held: Held
) -> None:
    model = Model(compiler, 6, held)
    good, bad = Constraint("regex", "a{50}"), Constraint("regex", "(")
    model.start(0, constrained(good))
    model.start(1, constrained(bad))
    for _ in range(2):
        [(row, reason)] = model.step([0, 1]).failures
        assert row == 1
        assert "unclosed group" in reason
    model.free(1)
    model.start(1, constrained(good))
    assert model.step([0, 1]).failures == []
    assert set(text_of(model.output(0))) == {"a"}


def test_replayed_output_that_does_not_match_fails_its_row(compiler: Compiler, held: Held) -> None:
    model = Model(compiler, 7, held)
    model.start(0, constrained(Constraint("regex", "abc")), ids_of("zzz"))
    assert len(model.step([0]).failures) == 1


def test_the_masks_cover_the_vocabulary() -> None:
    assert BROOK.num_words * 32 >= VOCAB_SIZE


class _Burning:
    """Takes this much of its thread's time for a mask, and then may fail."""

    def __init__(self, seconds: float, error: BaseException | None = None) -> None:
        self._seconds = seconds
        self._error = error

    def push(self, token: int) -> None:
        pass

    def take(self, token: int) -> bool:
        return False

    def fill(self, row: MaskRow) -> bool:
        until = time.thread_time() + self._seconds
        while time.thread_time() < until:
            pass
        if self._error:
            raise self._error
        return True


def _held_of(compiler: Compiler, guides: Sequence[_Burning], held: Held) -> Masks | Checks:
    made = held(NUM_SLOTS, compiler)
    made._make_rows(BROOK.num_words)
    made._guides.update(enumerate(guides))
    made._is_guided_S[: len(guides)] = True
    return made


def _asked(made: Masks | Checks, slots: np.ndarray) -> list[int]:
    """Places that have masks."""
    if isinstance(made, Checks):
        return made.refused(slots, slots).tolist()
    made.advance(slots, slots)
    return np.flatnonzero(made.ready(slots)).tolist()


@pytest.mark.parametrize("error", [None, ValueError("after long work")])
def test_a_slow_mask_is_its_own_sequences_failure_alone(
    compiler: Compiler, held: Held, monkeypatch: pytest.MonkeyPatch, error: ValueError | None
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)
    guides = [_Burning(0.0), _Burning(0.03, error), *[_Burning(0.0)] * 3]
    made, slots = _held_of(compiler, guides, held), np.arange(5)
    assert _asked(made, slots) == [0, 2, 3, 4]
    assert [row for row, _ in made.failures(slots)] == [1]


def test_many_masks_that_are_not_slow_are_no_failure_together(
    compiler: Compiler, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.03)
    made, slots = _held_of(compiler, [_Burning(0.01)] * 5, held), np.arange(5)
    assert _asked(made, slots) == [0, 1, 2, 3, 4]


def test_a_neighbour_that_takes_the_processor_is_no_failure(
    compiler: Compiler, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)
    idle = _Burning(0.0)
    monkeypatch.setattr(idle, "fill", lambda row: time.sleep(0.05) or True)
    made = _held_of(compiler, [idle, _Burning(0.0)], held)
    assert _asked(made, np.arange(2)) == [0, 1]


@pytest.mark.parametrize("reason", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_is_no_sequences_failure(
    compiler: Compiler, held: Held, reason: type[BaseException]
) -> None:
    made = _held_of(compiler, [_Burning(0.0, reason())], held)
    with pytest.raises(reason):
        _asked(made, np.array([0]))


def test_masks_before_and_checks_after_draw_the_same_tokens(compiler: Compiler) -> None:
    """Where a place leaves but one spelling, a mask asks for it and a check takes any: so none is forced here."""
    constraint = Constraint("regex", "([a-z ]{3,9}[0-9]{1,3},){40}")
    outputs = []
    for held in (Masks, Checks):
        model = Model(compiler, 8, held)
        for slot in range(3):
            params = constrained(constraint, seed=slot, temperature=(0.0, 1.0, 3.0)[slot])
            model.start(slot, params)
        for _ in range(60):
            assert model.step([0, 1, 2]).failures == []
        outputs.append([model.output(slot) for slot in range(3)])
    assert outputs[0] == outputs[1]


def test_masks_that_take_long_are_made_ahead_for_who_is_refused_again_and_again(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "WORTHWHILE_S", 0.0)
    model = Model(compiler, 9, Checks)
    model.start(0, constrained(Constraint("regex", "[0-9]{60}"), seed=1))
    model.start(1, constrained(Constraint("regex", "[\\s\\S]{500}"), seed=1))
    for _ in range(20):
        model.step([0, 1])
    model.masks._thread.wait()
    assert isinstance(model.masks, Checks)
    assert model.masks._made == {0}
    model.free(0)
    model.free(1)
    model.masks._thread.wait()
    assert model.masks._made == set()
