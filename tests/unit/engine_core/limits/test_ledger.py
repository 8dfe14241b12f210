"""The ledger's promises, and all of them at once against a list of what happened."""

import math
import random
from typing import Any

import pytest

from penstock.engine_core.limits.ledger import Ledger
from penstock.engine_core.limits.reservation import Reservation
from penstock.engine_core.limits.rules import Kind, Rule, RuleBook
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.keys import Holder, KeyFile, Quotas
from penstock.protocol.messages import Meter
from penstock.protocol.sampling import SamplingParams


def book(rate: int | None = None, total: dict[str, int] | None = None, **quotas: Any) -> RuleBook:
    holders = [Holder(name=name, key=name, quotas=Quotas(**q)) for name, q in quotas.items()]
    rule = Rule("rate_limit", Kind.REQUESTS, rate, 10.0) if rate else None
    return RuleBook(rule, KeyFile(keys=holders, total=Quotas(**(total or {}))))


def ran(reservation: Reservation, num_generated: int, num_emitted: int = 0) -> Sequence:
    """A sequence of it that generated so much, and ended."""
    params = SamplingParams(max_tokens=99)
    sequence = Sequence(1, [1], params, emitted=[5] * num_emitted)
    reservation.add(sequence)
    sequence.tokens.extend([7] * num_generated)
    sequence.state = State.FINISHED
    return sequence


def asked(
    ledger: Ledger, subject: str, certain: int = 0, possible: int = 0, now: float = 0.0
) -> Any:
    reservation = Reservation(subject, certain, possible)
    denial = ledger.reserve(reservation, now)
    ledger.check()
    return denial or reservation


def test_exactly_as_many_requests_as_the_quota_and_each_subject_by_itself() -> None:
    ledger = Ledger(book(a={"requests_per_minute": 5}, b={"requests_per_minute": 2}))
    for subject, most in (("a", 5), ("b", 2)):
        answers = [asked(ledger, subject) for _ in range(9)]
        assert [isinstance(answer, Reservation) for answer in answers] == [True] * most + [
            False
        ] * (9 - most)
    assert isinstance(asked(ledger, "stranger"), Reservation), (
        "nothing binds who is not in the file"
    )


def test_a_rate_holds_for_each_key_and_each_address() -> None:
    ledger = Ledger(book(rate=2, a={"max_concurrent": 1}))
    for subject, most in (("b", 2), ("addr:1.2.3.4", 2), ("addr:1.2.3.5", 2), ("a", 1)):
        assert sum(isinstance(asked(ledger, subject), Reservation) for _ in range(4)) == most
    assert isinstance(asked(ledger, "b", now=11.0), Reservation)


def test_the_total_binds_all_together_and_what_it_denies_costs_nobody() -> None:
    ledger = Ledger(book(total={"requests_per_minute": 3}, a={"requests_per_minute": 9}))
    assert sum(isinstance(asked(ledger, who), Reservation) for who in ("a", "b", "a", "a")) == 3
    denial = asked(ledger, "a")
    assert "requests per minute of all together is used up" in denial.message
    assert denial.rule == "requests_per_minute"
    meter = ledger.meter("a", Kind.REQUESTS, 0.0)
    assert meter is not None
    assert (meter.limit, meter.remaining) == (3, 0)
    ledger.rebind(book(a={"requests_per_minute": 9}))
    meter = ledger.meter("a", Kind.REQUESTS, 0.0)
    assert meter is not None
    assert (meter.limit, meter.remaining) == (9, 7)


def test_tokens_are_set_aside_whole_and_given_back_when_it_is_known() -> None:
    ledger = Ledger(book(a={"tokens_per_minute": 100}))
    first = asked(ledger, "a", certain=20, possible=60)
    assert "leaves 20, and this request may take 21" in asked(ledger, "a", 11, 10).message
    ran(first, 5)
    ledger.settle(first, 1.0)
    assert ledger.meter("a", Kind.TOKENS, 1.0) == Meter(100, 75, pytest.approx(60.0))
    assert isinstance(asked(ledger, "a", 11, 64, now=1.0), Reservation)


def test_more_than_was_said_counts_too() -> None:
    ledger = Ledger(book(a={"tokens_per_minute": 100}))
    first = asked(ledger, "a", certain=10, possible=5)
    ran(first, 40)
    ran(first, 45)
    ledger.settle(first, 0.0)
    meter = ledger.meter("a", Kind.TOKENS, 0.0)
    assert meter is not None
    assert meter.remaining == 5


def test_what_can_never_fit_is_told_so() -> None:
    denial = asked(Ledger(book(a={"tokens_per_day": 100})), "a", 50, 51)
    assert denial.wait_s == math.inf
    assert denial.retry_after_s == 0.0
    assert (
        "may take 101 (its prompt and max_tokens), which is more than the limit" in denial.message
    )


def test_the_longest_wait_is_the_one_that_counts() -> None:
    ledger = Ledger(book(a={"requests_per_minute": 1, "requests_per_day": 1}))
    asked(ledger, "a")
    denial = asked(ledger, "a")
    assert (denial.rule, denial.wait_s) == ("requests_per_day", pytest.approx(86400 + 1440))


def test_a_place_is_free_when_a_request_is_over() -> None:
    ledger = Ledger(book(a={"max_concurrent": 2}))
    first, _ = asked(ledger, "a"), asked(ledger, "a")
    denial = asked(ledger, "a")
    assert (denial.rule, denial.wait_s) == ("max_concurrent", 1.0)
    assert "2 requests of 'a' are open already; the limit is 2" in denial.message
    ledger.settle(first, 0.0)
    ledger.settle(first, 0.0)
    assert isinstance(asked(ledger, "a"), Reservation)
    assert not isinstance(asked(ledger, "a"), Reservation), "settling twice frees one place"


def test_a_request_that_the_engine_refused_did_not_happen() -> None:
    ledger = Ledger(book(a={"requests_per_minute": 1, "tokens_per_minute": 10}))
    ledger.settle(asked(ledger, "a", 5, 5), 0.0)
    assert isinstance(asked(ledger, "a", 5, 5), Reservation)


def test_a_request_that_goes_on_here_is_no_new_one_and_is_not_denied() -> None:
    ledger = Ledger(book(a={"requests_per_minute": 1, "tokens_per_minute": 100}))
    asked(ledger, "a", 50, 50)
    resumed = Reservation("a", 60, 10)
    ledger.resume(resumed, 0.0)
    ran(resumed, 3, num_emitted=30)
    ledger.settle(resumed, 0.0)
    ledger.check()
    meter = ledger.meter("a", Kind.TOKENS, 0.0)
    assert meter is not None
    assert meter.remaining == 0
    ledger.rebind(book(a={"requests_per_minute": 2, "tokens_per_minute": 1000}))
    assert isinstance(asked(ledger, "a", 1000 - 100 - 63), Reservation)


def test_a_request_of_thousands_of_sequences_remembers_few() -> None:
    reservation = Reservation("a", 7, 0)
    for _ in range(500):
        ran(reservation, 1)
        assert len(reservation._living) <= 2
    assert reservation.num_used == 507


def test_addresses_that_are_quiet_are_forgotten() -> None:
    ledger = Ledger(book(rate=5))
    for i in range(20_000):
        reservation = Reservation(f"addr:{i}", 0, 0)
        assert ledger.reserve(reservation, i / 10) is None
        ledger.settle(reservation, i / 10)
    assert len(ledger._accounts) < 3000


def test_counts_of_holders_go_on_in_another_ledger() -> None:
    quotas = {"a": {"requests_per_day": 10, "tokens_per_day": 1000}}
    first = Ledger(book(rate=100, total={"requests_per_day": 100}, **quotas))
    over = asked(first, "a", 100, 100, now=50.0)
    ran(over, 10)
    first.settle(over, 60.0)
    open_still = asked(first, "a", 200, 100, now=70.0)
    ran(open_still, 50)
    asked(first, "addr:1.2.3.4", now=70.0)
    counts = first.counts(80.0)
    assert set(counts) == {"", "a"}
    second = Ledger(book(rate=100, total={"requests_per_day": 100}, **quotas))
    second.restore(counts, 5.0, 3.0)
    second.check()
    requests, tokens = (second.meter("a", kind, 3.0) for kind in Kind)
    assert requests is not None
    assert tokens is not None
    assert (requests.remaining, tokens.remaining) == (8, 890), (
        "what is open is for front ends to tell"
    )
    assert asked(second, "addr:9", now=3.0).was_let_in is False


# ---- all of it against a list


class Slow:
    """Every charge there ever was, asked one by one. No slices: times here are far from their edges."""

    def __init__(self, quotas: dict[str, dict[str, int]], total: dict[str, int]) -> None:
        self.quotas = {**quotas, "all": total}
        self.charges: list[dict[str, Any]] = []

    def used(self, whose: str, what: str, span_s: float, now: float) -> int:
        return sum(
            charge[what]
            for charge in self.charges
            if (whose == "all" or charge["who"] == whose) and now - charge["at"] <= span_s
        )

    def fits(self, who: str, tokens: int, now: float) -> bool:
        for whose in (who, "all"):
            for name, limit in self.quotas.get(whose, {}).items():
                if name == "max_concurrent":
                    if self.used(whose, "open", math.inf, now) >= limit:
                        return False
                    continue
                what, _, span = name.split("_")
                span_s = {"minute": 60.0, "day": 86400.0}[span]
                amount = 1 if what == "requests" else tokens
                if self.used(whose, what, span_s, now) + amount > limit:
                    return False
        return True


@pytest.mark.parametrize("seed", range(60))
def test_every_decision_is_that_of_a_slow_ledger(seed: int) -> None:
    """Time passes in steps of 20 s, whose slices are over or not beyond doubt."""
    rng = random.Random(seed)
    names = [*Quotas.__struct_fields__]
    quotas = {
        who: {name: rng.choice([2, 5, 9, 40]) for name in rng.sample(names, rng.randrange(3))}
        for who in "abc"
    }
    total = {name: rng.choice([9, 30, 80]) for name in rng.sample(names, rng.randrange(3))}
    ledger, slow, now = Ledger(book(total=total, **quotas)), Slow(quotas, total), 1e6
    running: list[tuple[Reservation, dict[str, Any]]] = []
    for _ in range(200):
        if rng.random() < 0.2:
            now += rng.choice([25.0, 25.0, 40000.0])
        if running and rng.random() < 0.4:
            reservation, charge = running.pop(rng.randrange(len(running)))
            generated = rng.randrange(reservation.possible + 1)
            if rng.random() < 0.2:
                charge |= {"requests": 0, "tokens": 0}
            else:
                ran(reservation, generated)
                charge["tokens"] = reservation.certain + generated
            charge["open"] = 0
            ledger.settle(reservation, now)
        who, certain, possible = rng.choice("abc"), rng.randrange(4), rng.randrange(4)
        expected = slow.fits(who, certain + possible, now)
        answer = asked(ledger, who, certain, possible, now)
        assert isinstance(answer, Reservation) == expected
        if expected:
            charge = {"who": who, "at": now, "open": 1, "requests": 1, "tokens": certain + possible}
            slow.charges.append(charge)
            running.append((answer, charge))
