"""Who has used how much, for all front ends. Knows no clock, no socket and no file.

A request is reserved whole, tokens and all, before any of it runs; when it has ended, what it did not use is given
back where it was taken from. One thread does both, so no bound is ever passed by a request that asked first.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from penstock.engine_core.admission import Rejection
from penstock.engine_core.limits.account import Account, Ages
from penstock.engine_core.limits.reservation import Charge, Reservation
from penstock.engine_core.limits.rules import Kind, Rule, RuleBook
from penstock.engine_core.limits.window import Window
from penstock.protocol.messages import ADDRESS, Meter, RefusalCode

CONCURRENCY_RETRY_S = 1.0
"""Nobody knows when a request that is open will end."""
SPARE = 1024
TOTAL = ""
"""Among subjects, all of them together."""
Counts = dict[str, dict[str, list[tuple[float, int]]]]
"""By subject and rule: how long ago, and how much."""


class Denial(NamedTuple):
    """`wait_s` is infinite where waiting is no use."""

    rule: str
    message: str
    wait_s: float

    @property
    def retry_after_s(self) -> float:
        """As messages say it: 0 where waiting is no use."""
        return self.wait_s if math.isfinite(self.wait_s) else 0.0

    @property
    def rejection(self) -> Rejection:
        """For a Generate that nobody reserved."""
        return Rejection(RefusalCode.OVERLOADED, self.message)


class Ledger:
    """`reserve`, `settle` and `rebind` in any order; `now` never goes back."""

    def __init__(self, rules: RuleBook) -> None:
        self._rules = rules
        self._total = Account(rules.total)
        self._accounts: dict[str, Account] = {}
        self._sweep_at = SPARE

    def rebind(self, rules: RuleBook) -> None:
        """Bounds have changed; counts stay."""
        self._rules = rules
        self._total.rebind(rules.total)
        for subject, account in self._accounts.items():
            account.rebind(rules.of(subject))

    def reserve(self, reservation: Reservation, now: float) -> Denial | None:
        """None grants it. What is denied has taken nothing."""
        accounts = self._accounts_of(reservation.subject, now)
        denials = [d for a in accounts if (d := self._denial(a, reservation, now))]
        if denials:
            return max(denials, key=lambda denial: denial.wait_s)
        reservation.num_requests = 1
        _charge(accounts, reservation)
        return None

    def resume(self, reservation: Reservation, now: float) -> None:
        """One that was granted by an engine that is gone: it is no new request, and is not denied."""
        _charge(self._accounts_of(reservation.subject, now), reservation)

    def settle(self, reservation: Reservation, now: float) -> None:
        """It is over. One that was never let in did not happen."""
        held, used = reservation.num_reserved, reservation.num_used
        num_undone = 0 if reservation.was_let_in else reservation.num_requests
        for charge in reservation.charges:
            account = charge.account
            account.move(now)
            account.num_open -= 1
            account.release_tokens(held, used, charge.token_places)
            account.give_back_requests(num_undone, charge.request_places)
        reservation.charges = []

    def meter(self, subject: str, kind: Kind, now: float) -> Meter | None:
        """None where nothing bounds it."""
        accounts = self._accounts_of(subject, now)
        windows = [window for account in accounts for _, window in account.windows(kind)]
        if not windows:
            return None
        tightest = min(windows, key=lambda window: window.remaining)
        return Meter(tightest.limit, tightest.remaining, tightest.reset_s(now))

    # ---- to and from another engine

    def counts(self, now: float) -> Counts:
        """What holders of keys have used. What is open is not in it: front ends know that, and tell the next engine."""
        known = {s: a for s, a in self._accounts.items() if self._rules.is_holder(s)}
        found = ((s, a.ages(now)) for s, a in {**known, TOTAL: self._total}.items())
        return {subject: ages for subject, ages in found if ages}

    def restore(self, counts: Mapping[str, Ages], past_s: float, now: float) -> None:
        """Into a ledger that has counted nothing yet, `past_s` after the counts were told."""
        for subject, ages in counts.items():
            account = self._total if subject == TOTAL else self._open(subject, now)
            account.restore(ages, past_s, now)

    def check(self) -> None:
        """For tests, after every call."""
        for account in (self._total, *self._accounts.values()):
            account.check()

    # ---- parts

    def _accounts_of(self, subject: str, now: float) -> list[Account]:
        account = self._accounts.get(subject)
        if account is None:
            account = self._open(subject, now)
        for each in (account, self._total):
            each.move(now)
        return [account, self._total]

    def _open(self, subject: str, now: float) -> Account:
        if len(self._accounts) > self._sweep_at:
            self._forget_the_idle(now)
        account = self._accounts[subject] = Account(self._rules.of(subject))
        return account

    def _forget_the_idle(self, now: float) -> None:
        for account in self._accounts.values():
            account.move(now)
        self._accounts = {s: a for s, a in self._accounts.items() if not a.is_idle}
        self._sweep_at = 2 * len(self._accounts) + SPARE

    def _denial(self, account: Account, reservation: Reservation, now: float) -> Denial | None:
        """Of what is full, that which is full for longest."""
        whose = "all together" if account is self._total else _shown(reservation.subject)
        most = account.max_concurrent
        denials = list(_full_windows(account, whose, reservation, now))
        if most is not None and account.num_open >= most:
            told = f"{account.num_open} requests of {whose} are open already; the limit is {most}"
            denials.append(Denial("max_concurrent", told, CONCURRENCY_RETRY_S))
        return max(denials, key=lambda denial: denial.wait_s) if denials else None


def _charge(accounts: Iterable[Account], reservation: Reservation) -> None:
    for account in accounts:
        account.num_open += 1
        requests = account.add_requests(reservation.num_requests)
        tokens = account.hold_tokens(reservation.num_reserved)
        reservation.charges.append(Charge(account, requests, tokens))


def _full_windows(
    account: Account, whose: str, reservation: Reservation, now: float
) -> Iterator[Denial]:
    for kind, amount in ((Kind.REQUESTS, 1), (Kind.TOKENS, reservation.num_reserved)):
        for rule, window in account.windows(kind):
            if not window.fits(amount):
                wait_s = window.wait_s(amount, now)
                yield Denial(rule.name, _told(rule, window, whose, amount), wait_s)


def _told(rule: Rule, window: Window, whose: str, amount: int) -> str:
    bound = f"the limit of {rule} of {whose}"
    if rule.kind is Kind.REQUESTS:
        return f"{bound} is used up"
    asked = f"this request may take {amount} (its prompt and max_tokens)"
    if amount > window.limit:
        return f"{asked}, which is more than {bound}"
    return f"{bound} leaves {window.remaining}, and {asked}"


def _shown(subject: str) -> str:
    return "this address" if subject.startswith(ADDRESS) else f"'{subject}'"
