"""The ledger among front ends: those that ask, those that do not, those that die, engines that follow one another."""

import logging
from pathlib import Path
from typing import Any

import pytest

from penstock.engine_core.frontends import Frontends, Session
from penstock.engine_core.limits import Denial, Metering, RuleSource, state_file
from penstock.engine_core.limits.reservation import Reservation
from penstock.engine_core.limits.state_file import StateFile
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import Down, Generate, Hello, Reserve, Verdict
from penstock.protocol.metrics import Registry, series_key
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.settings import EngineSettings
from penstock.protocol.token_ids import pack

KEYS = """
[[keys]]
name = "a"
key = "k"
weight = 3
quotas = { requests_per_minute = 5, tokens_per_day = 100 }
"""


class Nobody:
    def send(self, identity: bytes, message: Down) -> bool:
        return True


class Room:
    """Metering among front ends that come and go."""

    def __init__(self, folder: Path, now: float = 0.0, **settings: Any) -> None:
        path = folder / "keys.toml"
        if not path.exists():
            path.write_text(KEYS)
        defaults: dict[str, Any] = {
            "api_key_file": str(path),
            "limits_file": str(folder / "limits.json"),
        }
        self.settings = EngineSettings(**(defaults | settings))
        self.frontends = Frontends(Nobody(), 5.0, lambda sequence: None)
        self.registry = Registry()
        self.source = RuleSource(self.settings)
        self.metering = Metering(
            self.source, self.frontends, self.registry, state_file(self.settings)
        )
        self.metering.start(now)

    def join(self, name: str = "frontend-0") -> Session:
        session = self.frontends.hello(name.encode(), Hello(1, name, 1), 0.0)
        assert session is not None
        return session

    def reserve(
        self, session: Session, number: int, certain: int = 0, possible: int = 0, now: float = 0.0,
        resumes: bool = False,
    ) -> Verdict:  # fmt: skip
        message = Reserve(number, "a", certain, possible, resumes)
        return self.metering.reserve(session, message, now)

    def enter(self, session: Session, reservation: int = 0, **fields: Any) -> Reservation | None:
        """One Generate that is let in."""
        params = SamplingParams(max_tokens=10)
        message = Generate(9, pack([1, 2]), params, reservation=reservation, **fields)
        found = self.metering.enter(session, message, 0.0)
        if isinstance(found, Denial):
            return None
        if found:
            found.add(Sequence(1, [1, 2], params))
        self.metering.entered(found, 0.0)
        return found

    def left(self, now: float = 0.0) -> tuple[int, int]:
        """Requests and tokens that are still free."""
        probe = self.reserve(self.join("probe"), 1, 1000, now=now)
        assert probe.requests is not None
        assert probe.tokens is not None
        return probe.requests.remaining, probe.tokens.remaining

    def count(self, name: str, label: str) -> float:
        return self.registry.snapshot().counters.get(series_key(name, [label]), 0.0)


def test_a_verdict_says_what_is_left(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session = room.join()
    verdict = room.reserve(session, 1, 10, 20)
    assert verdict.is_granted
    assert (verdict.requests, verdict.tokens) != (None, None)
    assert room.left() == (4, 70)
    denied = room.reserve(session, 2, 10, 200)
    assert not denied.is_granted
    assert denied.retry_after_s == 0.0
    assert "tokens per day of 'a'" in denied.message
    assert room.left() == (4, 70)
    assert room.count("penstock:rate_limited_total", "tokens_per_day") == 3


def test_what_a_request_did_not_use_is_given_back_once(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session = room.join()
    room.reserve(session, 1, 10, 20)
    found = room.enter(session, reservation=1)
    assert found is not None
    found._living[0].tokens.extend([5] * 4)
    for _ in range(2):
        room.metering.settle(session, [1, 99], 0.0)
    assert room.left() == (4, 86)
    assert room.count("penstock:key_requests_total", "a") == 1
    assert room.count("penstock:key_tokens_total", "a") == 14


def test_a_front_end_that_is_gone_has_used_what_it_used(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session, other = room.join(), room.join("other")
    room.reserve(session, 1, 10, 20)
    room.reserve(other, 1, 1, 2)
    room.enter(session, reservation=1)
    room.frontends.forget(session, "gone")
    room.metering.tick(1.0)
    assert room.left() == (3, 100 - 10 - 3)


def test_the_same_place_reserved_again_is_one(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session = room.join()
    room.reserve(session, 1, 10, 20)
    room.reserve(session, 1, 10, 20)
    assert room.left() == (4, 70)


def test_what_nobody_reserved_is_a_request_of_its_own(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session = room.join()
    assert room.enter(session, tenant="a") is not None
    assert room.left() == (4, 88)
    for _ in range(4):
        room.enter(session, tenant="a")
    assert room.enter(session, tenant="a") is None
    assert room.enter(session, tenant="a", attempt=1) is not None, "it was let in elsewhere"
    assert room.left() == (0, 100 - 6 * 12)


def test_what_nobody_reserved_and_the_engine_refuses_costs_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    message = Generate(9, pack([1]), SamplingParams(max_tokens=-(2**40)), tenant="a")
    found = room.metering.enter(room.join(), message, 0.0)
    assert isinstance(found, Reservation)
    room.metering.entered(found, 0.0)
    assert room.left() == (5, 100)


def test_without_bounds_nothing_is_counted(tmp_path: Path) -> None:
    room = Room(tmp_path, api_key_file=None)
    assert not room.metering.is_on
    assert room.enter(room.join(), tenant="a") is None
    assert room.reserve(room.join(), 1, 10**6) == Verdict(1, True)


def test_bounds_change_and_counts_stay(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.reserve(room.join(), 1, 10)
    assert room.source.weights == {"a": 3.0}
    (tmp_path / "keys.toml").write_text(KEYS.replace("= 5,", "= 2,").replace("= 3", "= 7"))
    assert not room.source.refresh(99.0)
    assert room.source.refresh(100.0)
    room.metering.rebind()
    assert room.source.weights == {"a": 7.0}
    assert room.left(100.0) == (2, 90), "a minute is over, a day is not"
    assert not room.source.refresh(100.5), "not so soon again"
    (tmp_path / "keys.toml").write_text('[[keys]]\nname = "a"\nkey = "k"')
    assert room.source.reread()
    room.metering.rebind()
    assert not room.metering.is_on
    (tmp_path / "keys.toml").write_text(KEYS)
    assert room.source.reread()
    room.metering.rebind()
    assert room.left(100.0) == (5, 90), "bounds that come back find what was counted"


def test_a_holder_whom_front_ends_know_already_is_looked_up_before_the_next_look(
    tmp_path: Path,
) -> None:
    """They wait for longer until a file counts as still, so by then it does here."""
    room = Room(tmp_path)
    assert not room.source.refresh(0.0)
    (tmp_path / "keys.toml").write_text(
        KEYS + '[[keys]]\nname = "b"\nkey = "l"\nquotas = { requests_per_day = 1 }'
    )
    session = room.join()
    assert not room.source.refresh(0.5), "it has only now been seen to be another"
    verdicts = [room.metering.reserve(session, Reserve(i, "b"), 0.95) for i in range(2)]
    assert [verdict.is_granted for verdict in verdicts] == [True, False]
    assert [room.source.refresh(0.96), room.source.refresh(9.0)] == [True, False]


def test_an_engine_goes_on_from_the_counts_of_the_last(tmp_path: Path) -> None:
    first = Room(tmp_path)
    session = first.join()
    first.reserve(session, 1, 10, 20, now=3.0)
    first.enter(session, reservation=1)
    first.metering.settle(session, [1], 4.0)
    first.reserve(session, 2, 10, 20, now=4.0)
    first.enter(session, reservation=2)
    first.metering.tick(5.0)
    second = Room(tmp_path, now=1000.0)
    assert second.left(1000.0) == (3, 90), "the open one is for its front end to tell"
    again = second.reserve(second.join(), 2, 10, 20, now=1000.0, resumes=True)
    assert again.is_granted
    assert second.left(1000.0) == (3, 60)


def test_an_engine_that_ends_well_settles_first(tmp_path: Path) -> None:
    first = Room(tmp_path)
    session = first.join()
    first.reserve(session, 1, 10, 20)
    first.enter(session, reservation=1)
    first.metering.close(1.0)
    assert Room(tmp_path, now=50.0).left(50.0) == (4, 90)


def test_the_file_is_written_when_there_is_news_and_not_too_often(tmp_path: Path) -> None:
    room, path = Room(tmp_path), tmp_path / "limits.json"
    room.metering.tick(1.0)
    assert not path.exists()
    session = room.join()
    room.reserve(session, 1, 10)
    room.metering.tick(2.0)
    before = path.read_bytes()
    room.reserve(session, 2, 10)
    room.metering.tick(2.5)
    assert path.read_bytes() == before
    room.metering.tick(3.1)
    assert path.read_bytes() != before
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("text", ["", "{", '{"at_unix_s": 1}', '{"at_unix_s": 1, "counts": [1]}'])
def test_a_file_that_is_none_is_told_and_counting_begins_anew(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "limits.json").write_text(text)
    with caplog.at_level(logging.ERROR):
        assert Room(tmp_path).left() == (5, 100)
    assert "counting begins anew" in caplog.text


def test_a_disk_that_is_full_costs_the_counts_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        StateFile(str(tmp_path / "no" / "such" / "folder" / "limits.json")).write({}, 0.0)
    assert "cannot be written" in caplog.text


def test_where_the_counts_are_kept() -> None:
    def place(**settings: Any) -> str | None:
        found = state_file(EngineSettings(**({"rate_limit_token": 1} | settings)))
        return found and str(found._path)

    assert place(endpoint="ipc:///run/x/engine") == "/run/x/limits.json"
    assert place(endpoint="tcp://0.0.0.0:5000") is None
    assert place(endpoint="tcp://0.0.0.0:5000", limits_file="/var/lib/l.json") == "/var/lib/l.json"
    assert place(endpoint="ipc:///run/x/engine", limits_file="none") is None
    assert place(endpoint="ipc:///run/x/engine", rate_limit_token=None) is None
