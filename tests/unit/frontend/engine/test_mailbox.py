"""The mailbox: any way of cutting, repeating and resuming a stream reads as the unsplit one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.frontend.engine import BrokenStreamError, logprob_rows, mailbox
from penstock.frontend.engine.mailbox import Mailbox, Update
from penstock.protocol import token_ids
from penstock.protocol.messages import Delta, FinishReason, TokenLogprobs

WIDTH = 3
NUM_CACHED = 5


def rows(first: int, end: int) -> TokenLogprobs:
    """Row i holds i in each cell."""
    cells = [i for i in range(first, end) for _ in range(WIDTH)]
    return TokenLogprobs(
        WIDTH,
        token_ids.pack(cells),
        struct.pack(f"<{len(cells)}f", *cells),
        token_ids.pack(range(first, end)),
    )


def piece(first: int, end: int, total: int, with_logprobs: bool) -> Delta:
    return Delta(
        id=1,
        offset=first,
        token_ids=token_ids.pack(range(first, end)),
        finish=FinishReason.LENGTH if end == total else None,
        logprobs=rows(first, end) if with_logprobs else None,
        num_cached=NUM_CACHED,
    )


class Reader:
    """Keeps all that it was given."""

    def __init__(self) -> None:
        self.token_ids: list[int] = []
        self.logprobs: list[TokenLogprobs] = []
        self.prompt_logprobs: list[TokenLogprobs] = []
        self.num_cached = 0
        self.finish: FinishReason | None = None

    def read(self, update: Update) -> None:
        self.token_ids += update.token_ids
        self.logprobs += [update.logprobs] if update.logprobs else []
        self.prompt_logprobs += [update.prompt_logprobs] if update.prompt_logprobs else []
        self.num_cached += update.num_cached
        self.finish = update.finish


Step = tuple[int, int, bool]
"""How far before what came already a piece begins, how far after that it ends, and whether someone reads."""

STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=12)


@given(STEPS, st.integers(1, 30), st.booleans())
def test_any_cut_repeat_and_pause_reads_the_same(
    steps: list[Step], total: int, with_logprobs: bool
) -> None:
    box, reader = Mailbox(), Reader()
    for back, forward, reads in [*steps, (0, total, True)]:
        if box.finish is not None:
            break
        have = box.num_tokens
        first = max(0, have - back)
        end = min(total, first + forward)
        assert box.push(piece(first, end, total, with_logprobs)) == max(0, end - have)
        if reads and box.has_news:
            reader.read(box.take())
    if box.has_news:
        reader.read(box.take())
    assert reader.token_ids == list(range(total))
    assert reader.finish is FinishReason.LENGTH
    assert reader.num_cached == NUM_CACHED
    assert box.output == token_ids.pack(range(total))
    assert logprob_rows.join(reader.logprobs) == (rows(0, total) if with_logprobs else None)


@given(STEPS, st.integers(1, 30), st.booleans(), st.booleans())
def test_what_is_passed_on_is_what_push_and_take_would_give(
    steps: list[Step], total: int, with_logprobs: bool, brings_ends: bool
) -> None:
    box, plain, have = Mailbox(), Mailbox(), 0
    for back, forward, _ in steps:
        first, end = max(0, have - back % 3), min(total, have + forward % 5)
        if first >= end or plain.finish is not None:
            break
        have = max(have, end)
        delta = piece(first, end, total if brings_ends else 99, with_logprobs)
        passed = box.pass_on(delta)
        if passed is None and box.push(delta):
            passed = box.take()
        num_new = plain.push(delta)
        assert passed == (plain.take() if num_new else None)
        assert (box.output, box.num_tokens) == (plain.output, plain.num_tokens)
        assert (box.has_news, box.finish) == (plain.has_news, plain.finish)


def test_only_the_very_next_plain_tokens_are_passed_on() -> None:
    box = Mailbox()
    box.push(piece(0, 3, 9, False))
    assert box.pass_on(piece(3, 4, 9, False)) is None, "something waits"
    box.take()
    for other in (piece(3, 4, 9, True), piece(3, 9, 9, False), piece(2, 4, 9, False)):
        assert box.pass_on(other) is None
    assert box.pass_on(piece(4, 5, 9, False)) is None, "a gap is for push to refuse"
    assert box.pass_on(piece(3, 5, 9, False)) == Update([3, 4])
    assert box.output == token_ids.pack(range(5))


@given(STEPS, st.integers(1, 20))
def test_prompt_rows_come_once_however_often_engines_change(steps: list[Step], total: int) -> None:
    box, reader = Mailbox(), Reader()
    at = 0
    for back, forward, reads in [*steps, (1, 0, True), (0, total, True)]:
        if back % 3 == 1:
            box.expect_restart()
            at = 0
        end = min(total, at + forward)
        box.push(Delta(1, 0, b"", prompt_logprobs=rows(at, end)))
        at = end
        if reads and box.has_news:
            reader.read(box.take())
    assert logprob_rows.join(reader.prompt_logprobs) == rows(0, total)


def test_end_without_tokens() -> None:
    box = Mailbox()
    box.push(piece(0, 3, 9, False))
    box.push(Delta(1, 3, b"", FinishReason.STOP, stop_token=2))
    assert box.take() == Update([0, 1, 2], FinishReason.STOP, 2, num_cached=NUM_CACHED)
    assert not box.has_news


@pytest.mark.parametrize(
    ("delta", "reason"),
    [
        (piece(4, 5, 9, False), "tokens 3 to 3 were lost"),
        (Delta(1, 3, b"abc"), "no whole number"),
        (Delta(1, 1, b"", FinishReason.STOP), "came already"),
    ],
)
def test_contradictions(delta: Delta, reason: str) -> None:
    box = Mailbox()
    box.push(piece(0, 3, 9, False))
    with pytest.raises(BrokenStreamError, match=reason):
        box.push(delta)


def test_unread_log_probabilities_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAX_WAITING_BYTES", 200)
    box = Mailbox()
    box.push(piece(0, 5, 99, True))
    box.take()
    box.push(piece(5, 10, 99, True))
    with pytest.raises(BrokenStreamError, match="not read"):
        box.push(piece(10, 15, 99, True))


def test_widths_must_agree() -> None:
    narrow = TokenLogprobs(1, b"\0" * 4, b"\0" * 4, b"\0" * 4)
    with pytest.raises(BrokenStreamError, match="width"):
        logprob_rows.join([rows(0, 1), narrow])
