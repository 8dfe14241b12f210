"""The bound on prompts beside running streams: what it learns, and that steps come out as long as it says."""

import pytest

from penstock.engine_core.pacing import MIN_TOKENS, UNNOTICED_S, Pacer


class Machine:
    """Steps take just what the model of pacing.py says."""

    def __init__(self, decode_s: float, token_s: float) -> None:
        self.decode_s, self.token_s = decode_s, token_s

    def seconds(self, num_decoded: int, num_chunked: int) -> float:
        return (self.decode_s if num_decoded else 0.0) + self.token_s * num_chunked


def test_steps_stretch_as_far_as_allowed() -> None:
    machine, pacer = Machine(0.020, 0.0005), Pacer(2.0)
    pacer.observe(0, 1000, machine.seconds(0, 1000))
    pacer.observe(8, 0, machine.seconds(8, 0))
    assert pacer.bound() == 40
    assert machine.seconds(8, pacer.bound()) == pytest.approx(2.0 * machine.decode_s)


def test_decode_time_is_told_apart_from_prompts_that_were_never_absent() -> None:
    machine, pacer = Machine(0.020, 0.0005), Pacer(2.0)
    pacer.observe(0, 1000, machine.seconds(0, 1000))
    pacer.observe(8, 64, machine.seconds(8, 64))
    assert pacer.bound() == 40


def test_it_follows_a_machine_that_slows_down() -> None:
    pacer = Pacer(1.5)
    for machine in (Machine(0.020, 0.0001), Machine(0.020, 0.0020)):
        for _ in range(60):
            pacer.observe(4, 0, machine.seconds(4, 0))
            assert pacer.bound()
            pacer.observe(4, pacer.bound(), machine.seconds(4, pacer.bound()))
    assert pacer.bound() == MIN_TOKENS  # 5, were it not for the minimum


def test_before_it_has_learnt_and_when_it_is_off() -> None:
    assert Pacer(1.8).bound() == 8 * MIN_TOKENS
    off = Pacer(0.0)
    off.observe(8, 0, 0.02)
    off.observe(0, 100, 0.05)
    assert off.bound() is None


def test_steps_that_nobody_notices_are_not_bound() -> None:
    machine, pacer = Machine(0.0001, 0.000005), Pacer(1.8)
    pacer.observe(0, 256, machine.seconds(0, 256))
    pacer.observe(1, 0, machine.seconds(1, 0))
    assert pacer.bound()
    assert machine.seconds(1, pacer.bound()) == pytest.approx(UNNOTICED_S, rel=0.01)


def test_small_prompts_do_not_tell_the_cost_of_a_token() -> None:
    pacer = Pacer(2.0)
    pacer.observe(8, 0, 0.020)
    pacer.observe(0, 3, 0.020)
    assert pacer.bound() == 8 * MIN_TOKENS


def test_the_more_prompts_there_are_for_a_stream_the_more_of_each_step_they_get() -> None:
    machine, pacer = Machine(0.020, 0.0005), Pacer(2.0)
    pacer.observe(0, 1000, machine.seconds(0, 1000))
    pacer.observe(4, 0, machine.seconds(4, 0))
    assert pacer.bound(crowd=0.5) == 80
    assert pacer.bound(crowd=3.0) == 280
