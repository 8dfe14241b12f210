"""Chunks, crowds, preemptions and reused slots against generating each sequence by itself."""

import random

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from support.runner_driver import BLOCK_SIZE, CPU, Driver, Seq, load_tiny
from support.sampling_rows import Row, sample
from support.tiny_decoder import VOCAB_SIZE, write_tiny_model

from penstock.kernels.rows import Rows
from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.plan import StepPlan
from penstock.protocol.sampling import SamplingParams
from penstock.workers.batch import Batch
from penstock.workers.kv_cache import KVCache
from penstock.workers.models.decoder import DecoderModel

VARIETY = (
    {},
    {"temperature": 0.0},
    {"top_k": 5},
    {"top_p": 0.8, "min_p": 0.01},
    {"repetition_penalty": 1.5, "frequency_penalty": 0.4, "presence_penalty": 0.3},
    {"min_tokens": 6, "eos_token_ids": tuple(range(0, VOCAB_SIZE, 2))},
    {"temperature": 0.0, "logit_bias": {5: 4.0}, "bad_words": ((3,), (5, 7))},
    {"allowed_token_ids": tuple(range(10, 20))},
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DecoderModel:
    return load_tiny(write_tiny_model(tmp_path_factory.mktemp("tiny")))


def make_seqs(dice: random.Random, num: int) -> list[Seq]:
    return [
        Seq(
            [dice.randrange(VOCAB_SIZE) for _ in range(dice.randint(1, 40))],
            replace(SamplingParams(dice.randint(1, 12), seed=i), **VARIETY[i % len(VARIETY)]),
        )
        for i in range(num)
    ]


def hidden_of(model: DecoderModel, tokens: list[int]) -> torch.Tensor:
    """One sequence, all at once, in a cache of its own."""
    places = torch.arange(len(tokens))
    num_blocks = -(-len(tokens) // BLOCK_SIZE)
    rows = Rows.of([len(tokens)], [len(tokens)], torch.arange(num_blocks)[None])
    batch = Batch(torch.tensor(tokens), places, places, rows)
    with torch.inference_mode():
        return model.forward(
            batch, KVCache(model.config, num_blocks, BLOCK_SIZE, torch.float32, CPU)
        )


def simple_output(model: DecoderModel, seq: Seq) -> list[int]:
    output: list[int] = []
    while len(output) < seq.params.max_tokens:
        logits = model.logits(hidden_of(model, seq.prompt + output)[-1:])[0]
        output.append(int(sample([Row(logits, seq.params, seq.prompt, output)]).token_ids_R[0]))
    return output


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("preempt", [0.0, 0.15])
def test_any_schedule_gives_the_tokens_of_the_simple_loop(
    model: DecoderModel, seed: int, preempt: float
) -> None:
    dice = random.Random(seed)
    seqs = make_seqs(dice, 8)
    Driver(model).run(seqs, dice, preempt)
    assert [seq.output for seq in seqs] == [simple_output(model, seq) for seq in seqs]


@pytest.mark.parametrize("num_host_blocks", [3, 100])
def test_what_is_swapped_out_and_in_gives_the_same_tokens(
    model: DecoderModel, num_host_blocks: int
) -> None:
    dice = random.Random(num_host_blocks)
    seqs = make_seqs(dice, 8)
    driver = Driver(model, num_host_blocks=num_host_blocks)
    driver.run(seqs, dice, preempt=0.3)
    assert [seq.output for seq in seqs] == [simple_output(model, seq) for seq in seqs]
    assert driver.num_restored > 20


def test_a_plan_without_rows_is_answered(model: DecoderModel) -> None:
    result = Driver(model).runner.execute(StepPlan(7, b"", b""))
    assert (result.step, result.token_ids, result.logprobs) == (7, b"", [])


def test_logprobs_name_the_row_of_the_plan(model: DecoderModel) -> None:
    """Row 0 is in the middle of its prompt and row 1 asks for nothing: the answer is row 2's."""
    params = SamplingParams(4, temperature=0.0)
    asking = replace(params, logprobs=2)
    seqs = [Seq([1, 2, 3], asking), Seq([4], params), Seq([5, 6], asking)]
    result = Driver(model).execute(seqs, seqs, [2, 1, 2])
    assert [found.row for found in result.logprobs] == [2]
    truth = model.logits(hidden_of(model, [5, 6])[-1:])[0].log_softmax(0).detach()
    values = np.frombuffer(result.logprobs[0].logprobs.values, "<f4")
    np.testing.assert_allclose(values[1:], truth.topk(2).values, atol=1e-4)
    assert len(seqs[2].output) == 1


@pytest.mark.parametrize("count", [0, 3, -1])
def test_prompt_logprobs_in_chunks_are_those_of_the_whole_prompt(
    model: DecoderModel, count: int
) -> None:
    dice = random.Random(1)
    seqs = make_seqs(dice, 4)
    for seq in seqs[:3]:
        seq.params = replace(seq.params, prompt_logprobs=count)
    Driver(model).run(seqs, dice)
    assert seqs[3].prompt_logprobs == []
    for seq in seqs[:3]:
        check_prompt_logprobs(model, seq, VOCAB_SIZE if count < 0 else count)


def check_prompt_logprobs(model: DecoderModel, seq: Seq, count: int) -> None:
    chunks = [chunk for chunk in seq.prompt_logprobs if isinstance(chunk, TokenLogprobs)]
    ids = np.frombuffer(b"".join(c.ids for c in chunks), "<u4").reshape(-1, count + 1)
    values = np.frombuffer(b"".join(c.values for c in chunks), "<f4").reshape(-1, count + 1)
    ranks = np.frombuffer(b"".join(c.ranks for c in chunks), "<u4")
    truth = model.logits(hidden_of(model, seq.prompt)).log_softmax(-1).detach().numpy()
    assert ids[:, 0].tolist() == seq.prompt[1:]
    for i, (some_ids, some_values) in enumerate(zip(ids.astype(int), values, strict=True)):
        np.testing.assert_allclose(some_values, truth[i][some_ids], atol=1e-4)
        np.testing.assert_allclose(some_values[1:], np.sort(truth[i])[::-1][:count], atol=1e-4)
        assert ranks[i] == 1 + (truth[i] > truth[i][some_ids[0]]).sum()
