"""What one subject has used, under its bounds. Knows no other subject and no clock."""

from collections.abc import Mapping, Sequence

from penstock.engine_core.limits.rules import Bounds, Kind, Rule
from penstock.engine_core.limits.window import Window

Places = dict[str, int]
"""By the name of the rule, under which number its window counted something."""
Ages = Mapping[str, Sequence[tuple[float, int]]]
"""By the name of the rule, how long ago how much was used."""


class Account:
    """One window for each rule, and the requests that are open."""

    def __init__(self, bounds: Bounds) -> None:
        self.num_open = 0
        self._windows: dict[str, Window] = {}
        """By the name of a rule; of one that is gone, too: it may come back."""
        self.rebind(bounds)

    def rebind(self, bounds: Bounds) -> None:
        """What was counted stays."""
        self.max_concurrent = bounds.max_concurrent
        self._by_kind: dict[Kind, list[tuple[Rule, Window]]] = {kind: [] for kind in Kind}
        for rule in bounds.rules:
            window = self._windows.setdefault(rule.name, Window(rule.limit, rule.length_s))
            window.limit = rule.limit
            self._by_kind[rule.kind].append((rule, window))

    def windows(self, kind: Kind) -> Sequence[tuple[Rule, Window]]:
        return self._by_kind[kind]

    def move(self, now: float) -> None:
        for window in self._windows.values():
            window.move(now)

    @property
    def is_idle(self) -> bool:
        """Whether forgetting it would change nothing."""
        return not self.num_open and not any(window.used for window in self._windows.values())

    # ---- counting

    def add_requests(self, number: int) -> Places:
        return {rule.name: window.add(number) for rule, window in self.windows(Kind.REQUESTS)}

    def give_back_requests(self, number: int, places: Places) -> None:
        for rule, window in self.windows(Kind.REQUESTS):
            if rule.name in places:
                window.give_back(number, places[rule.name])

    def hold_tokens(self, amount: int) -> Places:
        return {rule.name: window.hold(amount) for rule, window in self.windows(Kind.TOKENS)}

    def release_tokens(self, held: int, used: int, places: Places) -> None:
        for rule, window in self.windows(Kind.TOKENS):
            if rule.name in places:
                window.release(held, used, places[rule.name])

    # ---- to and from another engine

    def ages(self, now: float) -> dict[str, list[tuple[float, int]]]:
        found = ((name, list(window.ages(now))) for name, window in self._windows.items())
        return {name: ages for name, ages in found if ages}

    def restore(self, ages: Ages, past_s: float, now: float) -> None:
        """`past_s` went by since these ages were told."""
        for name, slices in ages.items():
            if name in self._windows:
                older = ((age_s + past_s, amount) for age_s, amount in slices)
                self._windows[name].restore(older, now)

    def check(self) -> None:
        assert self.num_open >= 0
        for window in self._windows.values():
            window.check()
