"""Decode steps as graphs: captured once, replayed over other rows, padded, and given up where they cannot be had."""

import logging
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.flights import PLAIN, make_seqs, one_at_a_time, two_in_flight
from support.recorded_stream import RecordedStream
from support.runner_driver import Driver, load_tiny
from support.static_ops import STATIC_OPS
from support.tiny_decoder import VARIANTS, write_tiny_model

from penstock.workers.backend import Backend
from penstock.workers.device.graph_sizes import MOST_ROWS, sizes_up_to
from penstock.workers.device.last_tokens import LastTokens
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.parallel.company import Company
from penstock.workers.parallel.part import Part

NUM_SLOTS = 11
DENSE = [name for name in VARIANTS if "expert" not in name]


class Counting(RecordedStream):
    """Tells how often graphs were captured and replayed."""

    num_captured = num_replayed = 0

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        self.num_captured += 1
        again = super().capture(work)

        def replay() -> None:
            self.num_replayed += 1
            again()

        return replay


class Refusing(RecordedStream):
    """Has no room for graphs."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        raise torch.OutOfMemoryError("no room")


def make_model(folder: Path, variant: str = "llama") -> DecoderModel:
    tiny = write_tiny_model(folder, **VARIANTS[variant])
    return load_tiny(tiny, backend=Backend(STATIC_OPS))


@pytest.mark.parametrize("variant", DENSE)
@pytest.mark.parametrize("seed", range(2))
def test_graphs_change_no_token(tmp_path: Path, variant: str, seed: int) -> None:
    """Two in flight over a late device, too. Prompts are short, so that many steps are decode steps."""
    dice, model = random.Random(seed), make_model(tmp_path, variant)
    seqs = make_seqs(dice, 24, PLAIN, longest=2)
    history = one_at_a_time(model, seqs, dice, NUM_SLOTS, preempt=0.01).history
    stream = Counting(dice)
    plans = [plan for plan, _ in history]
    flown = two_in_flight(model, plans, dice, stream, NUM_SLOTS, captures=True)
    tokens = [result.token_ids for _, result in history]
    assert [result.token_ids for result in flown.results] == tokens
    assert stream.num_replayed > len(plans) / 4
    assert 1 < stream.num_captured <= len(sizes_up_to(NUM_SLOTS))


def test_all_sizes_are_prepared_the_largest_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stream = Counting(random.Random(0))
    driver = Driver(make_model(tmp_path), NUM_SLOTS, stream=stream, captures=True)
    answers = []
    while not answers or answers[-1]:
        answers.append(driver.runner.prepare())
    assert len(answers) == stream.num_captured == 5
    told = [record.getMessage().split(":")[0] for record in caplog.records]
    assert told == [f"CUDA graph for {size} rows" for size in (11, 8, 4, 2, 1)]
    assert not driver.runner.prepare()


def test_capturing_leaves_no_trace(tmp_path: Path) -> None:
    """Not in the cache: padding has nowhere to be written."""
    driver = Driver(
        make_model(tmp_path), NUM_SLOTS, stream=RecordedStream(random.Random(0)), captures=True
    )
    for k_SGD, v_SGD in (driver.cache.layer(i) for i in range(2)):
        k_SGD.fill_(7.0)
        v_SGD.fill_(-7.0)
    while driver.runner.prepare():
        pass
    for k_SGD, v_SGD in (driver.cache.layer(i) for i in range(2)):
        assert (k_SGD == 7).all()
        assert (v_SGD == -7).all()


def test_where_there_is_no_room_steps_run_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dice, model = random.Random(3), make_model(tmp_path)
    history = one_at_a_time(model, make_seqs(dice, 9, PLAIN, longest=3), dice, NUM_SLOTS).history
    plans = [plan for plan, _ in history]
    flown = two_in_flight(model, plans, dice, Refusing(dice), NUM_SLOTS, captures=True)
    tokens = [result.token_ids for _, result in history]
    assert [result.token_ids for result in flown.results] == tokens
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "--enforce-eager" in warnings[0]
    assert "no room" in warnings[0]
    assert not flown.driver.runner.prepare()


class Hungry(Counting):
    """Each of its graphs holds so many bytes."""

    @property
    def captured_bytes(self) -> int:
        return 100 * self.num_captured


def test_what_was_not_set_aside_is_not_captured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be missing to the largest step. What there is goes on serving."""
    dice, model = random.Random(3), make_model(tmp_path)
    seqs = make_seqs(dice, 24, PLAIN, longest=2)
    history = one_at_a_time(model, seqs, dice, NUM_SLOTS, preempt=0.01).history
    stream = Hungry(dice)
    flown = two_in_flight(
        model, [plan for plan, _ in history], dice, stream, NUM_SLOTS, captures=True,
        graph_bytes=150,
    )  # fmt: skip
    assert [result.token_ids for result in flown.results] == [r.token_ids for _, r in history]
    assert stream.num_captured == 2
    assert stream.num_replayed > 0
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "take 200 bytes, 150 were set aside" in warnings[0]
    assert not flown.driver.runner.prepare()


def test_ranks_with_peers_capture_on_first_use_alone_and_never_apart(tmp_path: Path) -> None:
    """A rank that goes on without its graph would meet its peers in other calls than theirs."""
    model = make_model(tmp_path)
    model.company = Company(Part(rank=0, size=2))
    stream = Refusing(random.Random(0))
    driver = Driver(model, NUM_SLOTS, stream=stream, captures=True)
    assert not driver.runner.prepare()
    dice = random.Random(0)
    with pytest.raises(torch.OutOfMemoryError):
        driver.run(make_seqs(dice, 3, PLAIN, longest=1), dice)


def test_what_can_be_captured(tmp_path: Path) -> None:
    assert make_model(tmp_path / "dense").is_capturable
    assert not make_model(tmp_path / "sparse", "experts").is_capturable
    assert not load_tiny(write_tiny_model(tmp_path / "oracle")).is_capturable
    staged = make_model(tmp_path / "staged")
    staged.company = Company(Part(num_stages=2))
    assert not staged.is_capturable


@pytest.mark.parametrize("most", [1, 2, 3, 8, 11, 24, 100, 256, 400, MOST_ROWS])
def test_every_number_of_rows_has_a_size_that_is_not_much_larger(most: int) -> None:
    sizes = sizes_up_to(most)
    assert list(sizes) == sorted(set(sizes))
    assert sizes[-1] == most
    for num_rows in range(1, most + 1):
        padding = min(size for size in sizes if size >= num_rows) - num_rows
        assert padding < max(4, min(16, num_rows))


def test_tokens_of_the_device() -> None:
    last = LastTokens(4, torch.device("cpu"))
    last.keep(torch.tensor([2, 0]), torch.tensor([50, 60]))
    last.keep(torch.tensor([2]), torch.tensor([51]))
    assert last.look_up(torch.tensor([9, ~2, 0, ~0, ~1])).tolist() == [9, 51, 0, 60, 0]
