"""Sessions of front ends: who replaces whom, who is lost, and what remains of them."""

from typing import Any

import pytest

from penstock.engine_core.frontends import MAX_LOGPROB_BYTES, Frontends, Session
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import Delta, Down, FinishReason, Hello, TokenLogprobs, Tokens
from penstock.protocol.metrics import Snapshot, merge
from penstock.protocol.sampling import SamplingParams


class PaperDoor:
    """Remembers what was sent; knows who is unreachable."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Down]] = []
        self.unreachable: set[bytes] = set()

    def send(self, identity: bytes, message: Down) -> bool:
        self.sent.append((identity, message))
        return identity not in self.unreachable


@pytest.fixture
def door() -> PaperDoor:
    return PaperDoor()


@pytest.fixture
def abandoned() -> list[Sequence]:
    return []


@pytest.fixture
def frontends(door: PaperDoor, abandoned: list[Sequence]) -> Frontends:
    return Frontends(door, silence_s=5.0, abandon=abandoned.append)


def join(frontends: Frontends, name: str, epoch: int = 1, now: float = 0.0) -> Session:
    session = frontends.hello(f"{name}/{epoch}".encode(), Hello(1, name, epoch), now)
    assert session is not None
    return session


def ask(session: Session, request_id: int) -> Sequence:
    sequence = Sequence(request_id, [1], SamplingParams(max_tokens=5), owner=session)
    session.requests[request_id] = sequence
    return sequence


def test_a_younger_epoch_replaces_and_an_older_one_is_turned_away(
    frontends: Frontends, abandoned: list[Sequence]
) -> None:
    sequence = ask(join(frontends, "a", epoch=1), 7)
    successor = join(frontends, "a", epoch=2)
    assert abandoned == [sequence]
    assert frontends.hello(b"a/1", Hello(1, "a", 1), 0.0) is None
    assert list(frontends) == [successor]


def test_the_same_life_over_a_new_connection_keeps_its_requests(
    frontends: Frontends, abandoned: list[Sequence]
) -> None:
    session = join(frontends, "a")
    ask(session, 7)
    assert frontends.hello(b"other", Hello(1, "a", 1), 1.0) is session
    assert frontends.heard(b"other", 2.0) is session
    assert frontends.heard(b"a/1", 2.0) is None
    assert not abandoned


def test_one_identity_is_one_front_end(frontends: Frontends, abandoned: list[Sequence]) -> None:
    sequence = ask(join(frontends, "a"), 7)
    frontends.hello(b"a/1", Hello(1, "b", 1), 0.0)
    assert abandoned == [sequence]
    assert [session.frontend_id for session in frontends] == ["b"]


def test_a_front_end_that_takes_over_two_identities_leaves_nothing_behind(
    frontends: Frontends, abandoned: list[Sequence]
) -> None:
    sequence, session = ask(join(frontends, "a"), 7), join(frontends, "b")
    assert frontends.hello(b"a/1", Hello(1, "b", 1), 1.0) is session
    assert abandoned == [sequence]
    frontends.lose_silent(10.0)
    assert len(frontends) == 0
    assert frontends.hello(b"a/1", Hello(1, "b", 1), 10.0)


def test_each_front_end_gets_one_message_a_step(frontends: Frontends, door: PaperDoor) -> None:
    one, two = join(frontends, "a"), join(frontends, "b")
    first, second, other = ask(one, 1), ask(one, 2), ask(two, 1)
    deltas = [Delta(1, 0, b"a"), Delta(2, 0, b"b", FinishReason.STOP), Delta(1, 0, b"c")]
    frontends.deliver(list(zip((first, second, other), deltas, strict=True)))
    assert door.sent == [(b"a/1", Tokens(deltas[:2])), (b"b/1", Tokens(deltas[2:]))]
    assert one.requests == {1: first}, "a finished request is forgotten"


def test_what_outgrows_a_frame_comes_in_several_messages(
    frontends: Frontends, door: PaperDoor
) -> None:
    session = join(frontends, "a")
    half = TokenLogprobs(1, bytes(MAX_LOGPROB_BYTES // 4), bytes(MAX_LOGPROB_BYTES // 4), b"")
    deltas = [Delta(i, 0, b"a", logprobs=half) for i in range(3)]
    deltas.append(Delta(3, 0, b"a"))
    frontends.deliver([(ask(session, delta.id), delta) for delta in deltas])
    assert [message for _, message in door.sent] == [Tokens(deltas[:2]), Tokens(deltas[2:])]


def test_silence_and_a_lost_connection_end_a_session(
    frontends: Frontends, door: PaperDoor, abandoned: list[Sequence]
) -> None:
    silent, lost = join(frontends, "silent"), join(frontends, "lost", now=4.0)
    sequences = [ask(silent, 1), ask(lost, 2)]
    frontends.lose_silent(5.0)
    assert not abandoned
    frontends.lose_silent(5.1)
    assert abandoned == sequences[:1]
    door.unreachable.add(b"lost/1")
    frontends.deliver([(sequences[1], Delta(2, 0, b"x"))])
    assert abandoned == sequences
    assert (frontends.num_lost, len(frontends)) == (2, 0)
    frontends.send(lost, Tokens([]))
    assert frontends.num_lost == 2, "a session is lost once"


def test_counters_of_the_dead_stay_in_the_sum(frontends: Frontends) -> None:
    def total() -> Any:
        return merge(frontends.snapshots())

    first = join(frontends, "a")
    first.metrics = Snapshot({"n": 3.0}, {}, {"open": 2.0})
    join(frontends, "b").metrics = Snapshot({"n": 4.0}, {}, {"open": 1.0})
    assert (total().counters, total().gauges) == ({"n": 7.0}, {"open": 3.0})
    frontends.forget(first, "left")
    frontends.forget(first, "left twice")
    assert (total().counters, total().gauges) == ({"n": 7.0}, {"open": 1.0})


def _total(frontends: Frontends) -> float:
    return merge(frontends.snapshots()).counters.get("penstock:test_total", 0.0)


def test_a_front_end_that_was_only_silent_does_not_count_twice(frontends: Frontends) -> None:
    for epoch in (1, 1, 2):
        session = join(frontends, "a", epoch=epoch)
        session.metrics = Snapshot(counters={"penstock:test_total": 5.0})
        frontends.lose_silent(now=6.0)
    assert _total(frontends) == 10.0


def test_the_counters_of_many_lives_are_folded_into_one_sum(frontends: Frontends) -> None:
    for i in range(200):
        session = join(frontends, f"frontend-{i}")
        session.metrics = Snapshot(counters={"penstock:test_total": 1.0})
        frontends.forget(session, "left")
    assert _total(frontends) == 200.0
    assert len(frontends.snapshots()) < 100
