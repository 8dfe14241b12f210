"""The trained network is Hugging Face's Llama, and rows, masks and optimizer do their job."""

import itertools
from dataclasses import replace
from pathlib import Path

import torch
from brook.corpus import chats
from brook.export import export
from brook.model import Brook, Shape, document_mask
from brook.optim import optimizers, orthogonal
from brook.rows import batches
from brook.tokens import Encoded, encode
from brook.training import Plan, Run
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

SMALL = replace(Shape(), vocab_size=64, num_hidden_layers=2, hidden_size=32, intermediate_size=48)


def random_model() -> Brook:
    torch.manual_seed(0)
    model = Brook(SMALL)
    for param in model.parameters():
        torch.nn.init.normal_(param, std=0.1)
    return model


def logits(model: Brook, ids: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
    positions = torch.arange(ids.shape[1]).expand_as(ids)
    return model.logits(model.model(ids, positions, document_mask(documents)))


def test_the_exported_model_gives_the_same_logits(tmp_path: Path, shipped: Path) -> None:
    model = random_model()
    weights = {k: v.bfloat16().float() for k, v in model.state_dict().items()}
    model.load_state_dict(weights)
    export(weights, Tokenizer.from_file(str(shipped / "tokenizer.json")), SMALL, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids = torch.randint(0, 64, (2, 40))
    ours = logits(model, ids, torch.zeros_like(ids))
    torch.testing.assert_close(ours, theirs(ids).logits, atol=1e-4, rtol=1e-4)


def test_documents_in_a_row_do_not_see_each_other() -> None:
    model, ids = random_model(), torch.randint(0, 64, (1, 20))
    documents = (torch.arange(20) >= 10).long()[None]
    changed = ids.clone()
    changed[0, :10] = (changed[0, :10] + 1) % 64
    before, after = logits(model, ids, documents), logits(model, changed, documents)
    torch.testing.assert_close(before[:, 10:], after[:, 10:])


def test_batches_hold_every_target_in_its_place(shipped: Path) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    encoded = (encode(tokenizer, chat) for chat in chats(31))
    for batch in itertools.islice(batches(encoded, 2048, (192, 448, 2048)), 4):
        flat = batch.ids.flatten()
        assert torch.equal(flat[batch.places + 1], batch.targets)
        assert batch.positions.max() < batch.ids.shape[1]
        assert 0 < len(batch.places) < flat.numel()


def test_a_chat_that_fits_nowhere_is_left_out() -> None:
    long, short = Encoded([1] * 50, [True] * 50), Encoded([2] * 9, [True] * 9)
    stream = batches(itertools.chain([long], itertools.repeat(short)), 20, (20,))
    assert 1 not in next(stream).ids


def test_the_update_of_muon_is_nearly_orthogonal() -> None:
    update = orthogonal(torch.randn(2, 32, 48))
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    model = Brook(SMALL)
    ids = torch.randint(0, 64, (4, 16))
    losses = []
    steps = optimizers(model, 0.02, 0.01)
    for _ in range(30):
        out = logits(model, ids, torch.zeros_like(ids))
        loss = torch.nn.functional.cross_entropy(out[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        for optimizer in steps:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_a_new_stretch_starts_a_new_average_and_a_resumed_one_keeps_its_own(
    tmp_path: Path, shipped: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    run = Run(Plan(tmp_path, compiled=False), tokenizer, SMALL)
    for value in run.average.values():
        value += 1.0
    run.step = 40
    run.save()
    again = Run(Plan(tmp_path, compiled=False), tokenizer, SMALL)
    again.load(fresh_clock=False)
    assert (again.from_step, again.average.keys()) == (0, run.average.keys())
    assert all(torch.equal(again.average[name], run.average[name]) for name in run.average)
    again.load(fresh_clock=True)
    assert again.from_step == 40
    for name, value in run.model.state_dict().items():
        assert torch.equal(again.average[name], value)
