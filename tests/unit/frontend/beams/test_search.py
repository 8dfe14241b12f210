"""The search finds what transformers' `generate(num_beams=...)` finds, and keeps its own books right."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.frontend.beams.search import Beam, BeamRules, BeamSearch, Continuations

VOCAB = 23
RULES = st.fixed_dictionaries(
    {
        "width": st.integers(1, 5),
        "max_tokens": st.integers(1, 9),
        "min_tokens": st.integers(0, 3),
        "end_ids": st.frozensets(st.integers(0, VOCAB - 1), max_size=3),
        "length_penalty": st.sampled_from([-1.0, 0.0, 0.6, 1.0, 2.0]),
        "early_stopping": st.sampled_from([False, True, "never"]),
    }
)


def likeliest(logprobs: Sequence[float], num: int) -> Continuations:
    ids = sorted(range(len(logprobs)), key=lambda token: -logprobs[token])[:num]
    return Continuations(ids, [logprobs[token] for token in ids])


def hashed(path: tuple[int, ...]) -> list[float]:
    """Log probabilities that look random and are the path's own."""
    weights = [hash((7, path, token)) % 1000 / 120 for token in range(VOCAB)]
    log_total = math.log(sum(map(math.exp, weights)))
    return [weight - log_total for weight in weights]


def searched(rules: BeamRules, of: Any) -> BeamSearch:
    search = BeamSearch(rules)
    while not search.is_done:
        paths = [tuple(step.token for step in beam.path()) for beam in search.running]
        search.advance([likeliest(of(path), rules.num_continuations) for path in paths])
    return search


@pytest.fixture(scope="module")
def model() -> Any:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=None,
        initializer_range=0.7,
    )
    return transformers.LlamaForCausalLM(config).float().eval()


def theirs(model: Any, prompt: list[int], rules: BeamRules) -> list[tuple[tuple[int, ...], float]]:
    torch = pytest.importorskip("torch")
    ids = torch.tensor([prompt])
    found = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        num_beams=rules.width,
        num_return_sequences=rules.width,
        max_new_tokens=rules.max_tokens,
        min_new_tokens=rules.min_tokens or None,
        eos_token_id=sorted(rules.end_ids) or None,
        pad_token_id=VOCAB,
        length_penalty=rules.length_penalty,
        early_stopping=rules.early_stopping,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
    )
    texts = [tuple(row[row != VOCAB].tolist()) for row in found.sequences[:, len(prompt) :]]
    return list(zip(texts, found.sequences_scores.tolist(), strict=True))


@settings(max_examples=8, deadline=None)
@given(
    given_rules=RULES.filter(lambda rules: rules["width"] > 1 and rules["max_tokens"] >= 3),
    prompt=st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=4),
)
def test_beams_are_those_of_transformers(
    model: Any, given_rules: dict[str, Any], prompt: list[int]
) -> None:
    torch = pytest.importorskip("torch")
    rules = BeamRules(**given_rules)

    def logprobs(path: tuple[int, ...]) -> list[float]:
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *path]])).logits[0, -1]
        return [float(value) for value in torch.log_softmax(logits, -1)]

    search = searched(rules, logprobs)
    ours = [
        (tuple(step.token for step in beam.path()), search.score(beam))
        for beam in search.best(rules.width)
    ]
    expected = theirs(model, prompt, rules)
    assert [path for path, _ in ours] == [path for path, _ in expected]
    assert [score for _, score in ours] == pytest.approx([s for _, s in expected], abs=1e-4)


@settings(max_examples=200, deadline=None)
@given(given_rules=RULES)
def test_what_is_found_keeps_to_the_rules(given_rules: dict[str, Any]) -> None:
    rules = BeamRules(**given_rules)
    search = searched(rules, hashed)
    best = search.best(rules.width)
    assert len(best) == rules.width
    assert len({tuple(step.token for step in beam.path()) for beam in best}) == rules.width
    scores = [search.score(beam) for beam in best]
    assert scores == sorted(scores, reverse=True)
    for beam in best:
        *before, last = beam.path()
        assert rules.min_tokens < beam.length or not search.ends(beam)
        assert beam.length == len(before) + 1 <= rules.max_tokens
        assert search.ends(last) or beam.length == rules.max_tokens
        assert not any(search.ends(step) for step in before)
        own = [step.choices.logprobs[step.place] for step in beam.path()]
        assert beam.total == pytest.approx(sum(own))


@settings(max_examples=50, deadline=None)
@given(length=st.integers(1, 12))
def test_one_beam_is_the_greedy_one(length: int) -> None:
    search = searched(BeamRules(width=1, max_tokens=length), hashed)
    greedy: tuple[int, ...] = ()
    for _ in range(length):
        greedy += (likeliest(hashed(greedy), 1).ids[0],)
    [best] = search.best(1)
    assert tuple(step.token for step in best.path()) == greedy


def test_a_beam_as_wide_as_the_tree_finds_the_likeliest_of_all() -> None:
    rules = BeamRules(width=VOCAB * VOCAB, max_tokens=2)
    [best] = searched(rules, hashed).best(1)
    every = {
        (first, second): hashed(())[first] + hashed((first,))[second]
        for first in range(VOCAB)
        for second in range(VOCAB)
    }
    assert tuple(step.token for step in best.path()) == max(every, key=every.__getitem__)


def test_impossible_tokens_are_no_continuation() -> None:
    search = BeamSearch(BeamRules(width=2, max_tokens=1))
    search.advance([Continuations([3, 4, 5], [-0.1, -math.inf, math.nan])])
    assert [beam.token for beam in search.best(2)] == [3]


def test_a_long_beam_is_let_go_without_running_out_of_stack() -> None:
    beam = Beam()
    for _ in range(200_000):
        [beam] = beam.extended(Continuations([1], [-1.0]))
    assert beam.length == 200_000
    del beam
