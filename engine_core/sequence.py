"""One request as the scheduler sees it: tokens, and how far they are computed. Knows no rules and no clock."""

import enum
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING

from penstock.engine_core.blocks import Block, Kept
from penstock.engine_core.trace import Trace
from penstock.protocol.sampling import SamplingParams

if TYPE_CHECKING:
    from penstock.engine_core.fairness import Line

SUSPECT_CRASHES = 2


class State(enum.Enum):
    """Where a sequence is."""

    HELD = enum.auto()
    """It counts as waiting, and something else must happen before its turn can come."""
    WAITING = enum.auto()
    RUNNING = enum.auto()
    FINISHED = enum.auto()


class Sequence:
    """Tokens that grow by one for each sampled token.

        tokens   [ prompt ........... | output ... ]  pending
                 ^ num_computed ->     ^ num_prompt    ^ sampled by plans in flight, not known yet

    `num_computed` counts what plans sent so far compute; it trails `target` and never passes it.
    """

    __slots__ = (
        "admitted_at",
        "arrived_at",
        "blocks",
        "cleared_at",
        "digests",
        "first_token_at",
        "id",
        "kept",
        "line",
        "max_len",
        "name",
        "num_cached",
        "num_committed",
        "num_computed",
        "num_crashes",
        "num_emitted",
        "num_forgotten",
        "num_kept",
        "num_pending",
        "num_preemptions",
        "num_prompt",
        "num_prompt_logprobs",
        "owner",
        "params",
        "priority",
        "rank",
        "salt",
        "slot",
        "state",
        "tenant",
        "tokens",
        "trace",
    )

    def __init__(
        self,
        request_id: int,
        prompt: Iterable[int],
        params: SamplingParams,
        *,
        emitted: Iterable[int] = (),
        priority: int = 0,
        num_crashes: int = 0,
        salt: str = "",
        tenant: str = "",
        owner: object = None,
        name: str = "",
    ) -> None:
        self.id = request_id
        self.owner = owner
        self.name = name
        self.params = params
        self.salt = salt
        self.tenant = tenant
        self.line: Line | None = None
        """Of its tenant, from its first push into a queue on."""
        self.tokens = array("I", prompt)
        self.num_prompt = len(self.tokens)
        self.tokens.extend(emitted)
        self.num_emitted = len(self.tokens) - self.num_prompt
        self.priority = priority
        self.rank: tuple[int, int] = (priority, 0)
        self.state = State.WAITING
        self.slot = -1
        self.max_len = 0
        self.blocks: list[Block] = []
        self.digests: list[bytes] = []
        self.num_committed = 0
        self.num_computed = 0
        self.num_pending = 0
        self.num_cached = -1
        self.kept: list[Kept] = []
        self.num_kept = 0
        """Its first tokens, computed before it was preempted and kept until it runs again."""
        self.num_forgotten = 0
        """Its first tokens that were computed when it last lost its blocks."""
        self.num_prompt_logprobs = 0
        self.num_preemptions = 0
        self.num_crashes = num_crashes
        self.cleared_at = len(self.tokens) + 1 if num_crashes else 0
        self.arrived_at = self.admitted_at = self.first_token_at = 0.0
        self.trace = Trace(self)

    @property
    def num_output(self) -> int:
        return len(self.tokens) - self.num_prompt

    @property
    def target(self) -> int:
        """How many tokens there will be once all results in flight are in."""
        return len(self.tokens) + self.num_pending

    @property
    def queued_us(self) -> int:
        """Microseconds from its arrival to its first admission."""
        return max(0, round(1e6 * (self.admitted_at - self.arrived_at)))

    @property
    def is_suspect(self) -> bool:
        """It was on board of two crashes and has not yet come past the place where they happened."""
        return self.num_crashes >= SUSPECT_CRASHES and len(self.tokens) <= self.cleared_at

    def crashed(self) -> None:
        """The workers died while a plan in flight held a row for this sequence."""
        self.num_crashes += 1
        self.cleared_at = self.target + 1

    def forget_computed(self) -> None:
        """Its blocks are gone: all tokens are to be computed again, but for those that are kept."""
        self.blocks = []
        self.num_forgotten = self.num_computed
        self.num_committed = self.num_computed = 0
        self.slot = -1

    def forget_kept(self) -> None:
        """What was kept since its preemption is needed no more, or gone."""
        self.kept = []
        self.num_kept = 0

    def __repr__(self) -> str:
        progress = f"{self.num_computed}/{len(self.tokens)}+{self.num_pending}"
        return f"Sequence({self.id}, {self.state.name}, {progress}, slot={self.slot})"
