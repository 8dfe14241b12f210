"""What one request may use, and what it used. Knows its sequences' lengths, not what became of them."""

from penstock.engine_core.limits.account import Account, Places
from penstock.engine_core.sequence import Sequence, State


class Charge:
    """What was added to one account."""

    __slots__ = ("account", "request_places", "token_places")

    def __init__(self, account: Account, request_places: Places, token_places: Places) -> None:
        self.account = account
        self.request_places = request_places
        self.token_places = token_places


class Reservation:
    """Tokens that are set aside until it is known how many there were.

    `certain` are used as soon as a sequence was let in: prompts, and on a second time what came of them before.
    """

    __slots__ = (
        "_ended",
        "_living",
        "certain",
        "charges",
        "is_alone",
        "num_requests",
        "possible",
        "subject",
        "was_let_in",
    )

    def __init__(
        self, subject: str, certain: int, possible: int, *, is_alone: bool = False
    ) -> None:
        self.subject = subject
        self.is_alone = is_alone
        """Made for one Generate whose front end did not ask, and will not tell when it is over."""
        self.certain = certain
        self.possible = possible
        self.num_requests = 0
        """How many it counts for: none when another engine counted it already."""
        self.charges: list[Charge] = []
        self.was_let_in = False
        self._living: list[Sequence] = []
        self._ended = 0

    @property
    def num_reserved(self) -> int:
        return self.certain + self.possible

    @property
    def num_used(self) -> int:
        """So far. What was never let in used nothing."""
        generated = self._ended + sum(map(_num_generated, self._living))
        return self.certain + generated if self.was_let_in else 0

    def add(self, sequence: Sequence) -> None:
        """One that was let in. Those that ended are counted and forgotten: a beam search has thousands."""
        self.was_let_in = True
        ended = [s for s in self._living if s.state is State.FINISHED]
        if ended:
            self._ended += sum(map(_num_generated, ended))
            self._living = [s for s in self._living if s.state is not State.FINISHED]
        self._living.append(sequence)

    def use_up(self) -> None:
        """Takes all that is possible for used, since nobody will tell."""
        self.certain, self.possible = self.num_reserved, 0


def _num_generated(sequence: Sequence) -> int:
    """By this engine."""
    return sequence.num_output - sequence.num_emitted
