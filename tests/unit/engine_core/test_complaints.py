"""Nonsense is answered each time, and logged at a rate that its sender does not choose."""

import logging

import pytest

from penstock.engine_core.complaints import MAX_REASON_CHARS, Complaints, LogRate
from penstock.protocol.messages import Down, RefusalCode, Refused
from penstock.protocol.metrics import Registry


class PaperDoor:
    def __init__(self) -> None:
        self.sent: list[Down] = []

    def send(self, identity: bytes, message: Down) -> bool:
        self.sent.append(message)
        return True


def test_a_flood_is_a_few_lines_and_one_that_counts_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    door, registry = PaperDoor(), Registry()
    complaints = Complaints(door, registry)
    with caplog.at_level(logging.WARNING):
        for i in range(1000):
            complaints.malformed(b"x", "nonsense", i / 1000)
        assert len(caplog.records) == 5
        complaints.malformed(b"x", "nonsense", 10.0)
    assert caplog.records[-1].getMessage().endswith("nonsense (995 more before it)")
    assert door.sent == [Refused(0, RefusalCode.MALFORMED, "nonsense")] * 1001
    assert registry.counter("penstock:malformed_messages_total").value == 1001


def test_a_reason_that_quotes_megabytes_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    door = PaperDoor()
    with caplog.at_level(logging.WARNING):
        Complaints(door, Registry()).malformed(b"x", "Invalid enum value '" + "a" * 10**6, 0.0)
    assert len(caplog.text) < 1000
    (refused,) = door.sent
    assert isinstance(refused, Refused)
    assert len(refused.message) == MAX_REASON_CHARS


def test_few_complaints_are_all_told() -> None:
    rate = LogRate(burst=2, window_s=10.0)
    assert [rate.admits(now) for now in (0, 6, 12, 18, 24)] == [""] * 5
