"""Sequences whose constraint the workers have yet to compile. Knows who waits for what, not what a constraint says.

    held --Prepare--> the workers --Prepared--> released into the queue, or refused

When workers die all that was compiled dies with them, and who was past this point is held again.
The scheduler never sees any of it: a sequence enters its queue when the workers can start it at once. What is
compiled stays so until its place is needed and no sequence has it any more.
"""

from collections import deque
from collections.abc import Callable, Iterable

from penstock.engine_core.admission import Refusal, Rejection
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.sequence import Sequence, State
from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import RefusalCode
from penstock.protocol.plan import Prepare, Prepared, Release

MAX_CONSTRAINTS = 256
"""Most that are compiled at once, in use or not."""
MAX_BYTES = 256 << 20
"""What they may take together; those in use stay, whatever they take."""
MAX_CRASHES = 2
"""Workers that died one after another while they compiled the same constraint."""


class _Entry:
    __slots__ = ("constraint", "held", "id", "is_ready", "num_bytes", "num_crashes")

    def __init__(self, entry_id: int, constraint: Constraint) -> None:
        self.id = entry_id
        self.constraint = constraint
        self.held: dict[Sequence, None] = {}
        self.is_ready = False
        self.num_bytes = 0
        self.num_crashes = 0


class Preparing:
    """`send` takes messages for the workers, and is called only while they serve."""

    def __init__(self, scheduler: Scheduler, send: Callable[[Prepare | Release], None]) -> None:
        self._scheduler = scheduler
        self._send = send
        self._serving = False
        self._num_entries = 0
        self._entries: dict[Constraint, _Entry] = {}
        """The longest unused first."""
        self._by_id: dict[int, _Entry] = {}
        self._line: deque[int] = deque()
        """Ids in the order in which the workers compile them. Those at the front may be released already."""

    def hold(self, sequence: Sequence) -> Rejection | None:
        """Until its constraint is compiled; which may be at once."""
        constraint = sequence.params.constraint
        assert constraint is not None
        entry = self._entries.pop(constraint, None)
        if entry is None:
            if not self._make_room():
                return Rejection(
                    RefusalCode.OVERLOADED,
                    f"requests with {MAX_CONSTRAINTS} different constraints are running already",
                )
            entry = self._begin(constraint)
        self._entries[constraint] = entry
        if entry.is_ready:
            self._scheduler.waiting.release(sequence)
        else:
            entry.held[sequence] = None
        return None

    def left(self, sequence: Sequence) -> None:
        """It is not to start any more. What nobody waits for is not compiled."""
        constraint = sequence.params.constraint
        entry = None if constraint is None else self._entries.get(constraint)
        if entry is None or entry.is_ready:
            return
        entry.held.pop(sequence, None)
        if not entry.held:
            self._release(entry)

    def finished(self, message: Prepared) -> list[Refusal]:
        """One constraint is compiled, or cannot be."""
        self._advance_line(message.id)
        entry = self._by_id.get(message.id)
        if entry is None:
            return []
        if message.error:
            told = f"The constraint on the output cannot be enforced: {message.error}"
            return self._give_up(entry, Rejection(RefusalCode.UNSUPPORTED, told))
        entry.is_ready, entry.num_bytes, entry.num_crashes = True, message.num_bytes, 0
        for sequence in _still_held(entry):
            self._scheduler.waiting.release(sequence)
        entry.held = {}
        return []

    def _advance_line(self, entry_id: int) -> None:
        """Whatever is before it and was not answered was released in time not to be compiled."""
        while entry_id in self._line and self._line.popleft() != entry_id:
            pass

    # ---- the workers' lives

    def workers_lost(self) -> list[Refusal]:
        """All that was compiled is gone, and what was being compiled may be why. Nothing runs any more."""
        assert not self._scheduler.running
        self._serving = False
        for entry in self._entries.values():
            entry.is_ready = False
        for sequence in self._scheduler.waiting.withdraw(_is_constrained):
            assert sequence.params.constraint is not None
            self._entries[sequence.params.constraint].held[sequence] = None
        suspect = self._by_id.get(self._line[0]) if self._line else None
        self._line.clear()
        return self._blame(suspect) if suspect else []

    def _blame(self, entry: _Entry) -> list[Refusal]:
        entry.num_crashes += 1
        if entry.num_crashes < MAX_CRASHES:
            return []
        reason = f"the workers died {entry.num_crashes} times while they compiled this"
        return self._give_up(entry, Rejection(RefusalCode.POISONED, reason))

    def workers_ready(self) -> None:
        """Compiled again is what living sequences have."""
        self._serving = True
        in_use = self._in_use()
        for entry in [*self._entries.values()]:
            if entry.constraint in in_use:
                self._prepare(entry)
            else:
                self._drop(entry)

    # ---- places

    def _begin(self, constraint: Constraint) -> _Entry:
        self._num_entries += 1
        entry = self._by_id[self._num_entries] = _Entry(self._num_entries, constraint)
        if self._serving:
            self._prepare(entry)
        return entry

    def _prepare(self, entry: _Entry) -> None:
        self._line.append(entry.id)
        self._send(Prepare(entry.id, entry.constraint))

    def _release(self, entry: _Entry) -> None:
        self._drop(entry)
        if self._serving:
            self._send(Release([entry.id]))

    def _make_room(self) -> bool:
        """For one more; False if all places are in use."""
        if self._fits():
            return True
        in_use = self._in_use()
        for entry in [*self._entries.values()]:
            if entry.constraint not in in_use:
                self._release(entry)
            if self._fits():
                return True
        return len(self._entries) < MAX_CONSTRAINTS

    def _fits(self) -> bool:
        num_bytes = sum(entry.num_bytes for entry in self._entries.values())
        return len(self._entries) < MAX_CONSTRAINTS and num_bytes < MAX_BYTES

    def _in_use(self) -> set[Constraint]:
        """By sequences that may yet start, or start again."""
        held = [sequence for entry in self._entries.values() for sequence in entry.held]
        known: Iterable[Sequence] = [*self._scheduler.running, *self._scheduler.waiting, *held]
        living = [s.params.constraint for s in known if s.state is not State.FINISHED]
        return {constraint for constraint in living if constraint is not None}

    def _drop(self, entry: _Entry) -> None:
        self._entries.pop(entry.constraint, None)
        self._by_id.pop(entry.id, None)

    def _give_up(self, entry: _Entry, rejection: Rejection) -> list[Refusal]:
        self._drop(entry)
        return [(sequence, rejection) for sequence in _still_held(entry)]


def _is_constrained(sequence: Sequence) -> bool:
    return sequence.params.constraint is not None


def _still_held(entry: _Entry) -> list[Sequence]:
    """Without those that were aborted meanwhile."""
    return [sequence for sequence in entry.held if sequence.state is State.HELD]
