"""Remembers the ways of recent requests, so many and so long. Knows what it is told, not how requests are served."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from penstock.engine_core.frontends import Session
from penstock.engine_core.sequence import State
from penstock.engine_core.trace import Counts, Moment, Trace
from penstock.protocol.messages import Generate
from penstock.protocol.timelines import (
    Event,
    RequestTimeline,
    SequenceTimeline,
    Status,
    TimelineEvent,
    TimelineQuestion,
)
from penstock.protocol.token_ids import count

MAX_SEQUENCES = 16
"""Of one request that are shown; a beam search takes thousands."""
_STATUS: dict[State, Status] = {
    State.HELD: "held",
    State.WAITING: "waiting",
    State.RUNNING: "running",
    State.FINISHED: "finished",
}


class _Key(NamedTuple):
    """All sequences of one request have it, and no other request: its front end's clock tells them apart."""

    frontend_id: str
    epoch: int
    name: str
    received_s: float


class Timeline:
    """One request's."""

    def __init__(self, frontend_id: str, message: Generate, now: float, unix_now: float) -> None:
        self.frontend_id = frontend_id
        self.name, self.answer_id = message.name, message.answer_id
        self.tenant, self.attempt = message.tenant, message.attempt
        self.received_at = now - _before(message.received_s, message)
        self.received_unix_s = unix_now - _before(message.received_s, message)
        self.tokenized_at = now - _before(message.tokenized_s, message)
        self.traces: list[Trace] = []
        self.num_left_out = 0

    @property
    def last_at(self) -> float:
        return max((t.moments[-1].at for t in self.traces if t.moments), default=self.received_at)

    @property
    def is_over(self) -> bool:
        return all(trace.finish_reason is not None for trace in self.traces)


class Timelines:
    """Of at most so many sequences, none longer than `max_age_s` after its end; the oldest go first.

    `wall_clock` tells seconds since 1970; every other time is the caller's `now`.
    """

    def __init__(
        self, max_sequences: int, max_age_s: float, wall_clock: Callable[[], float]
    ) -> None:
        self._wall_clock = wall_clock
        self._max_sequences, self._max_age_s = max_sequences, max_age_s
        self._kept: OrderedDict[_Key, Timeline] = OrderedDict()
        self._num_sequences = 0

    def queued(self, session: Session, message: Generate, trace: Trace, now: float) -> None:
        """Follows a sequence from now on."""
        trace.add(now, Event.QUEUED)
        self._keep(session, message, trace, now)

    def refused(self, session: Session, message: Generate, reason: str, now: float) -> None:
        """There is no sequence."""
        trace = Trace(None, Counts(count(message.prompt)))
        trace.end(now, reason)
        self._keep(session, message, trace, now)

    def _keep(self, session: Session, message: Generate, trace: Trace, now: float) -> None:
        """What has no name cannot be asked for."""
        if not message.name:
            return
        timeline = self._of(session, message, now)
        if len(timeline.traces) < MAX_SEQUENCES:
            timeline.traces.append(trace)
            self._num_sequences += 1
        else:
            timeline.num_left_out += 1
        self._prune(now)

    def _of(self, session: Session, message: Generate, now: float) -> Timeline:
        received_s = message.received_s or float(message.id)
        key = _Key(session.frontend_id, session.epoch, message.name, received_s)
        timeline = self._kept.get(key)
        if timeline is None:
            timeline = Timeline(session.frontend_id, message, now, self._wall_clock())
            self._kept[key] = timeline
        return timeline

    def _prune(self, now: float) -> None:
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if self._num_sequences <= self._max_sequences and not self._is_forgotten(oldest, now):
                return
            self._kept.popitem(last=False)
            self._num_sequences -= len(oldest.traces)

    def find(self, question: TimelineQuestion, now: float) -> RequestTimeline | None:
        """The newest that bears the id and is the asker's own."""
        for timeline in reversed(self._kept.values()):
            if question.id not in (timeline.name, timeline.answer_id):
                continue
            if question.tenant in ("", timeline.tenant) and not self._is_forgotten(timeline, now):
                return _told(timeline)
        return None

    def _is_forgotten(self, timeline: Timeline, now: float) -> bool:
        return timeline.is_over and now - timeline.last_at > self._max_age_s


def _before(moment_s: float, message: Generate) -> float:
    """Seconds between a moment and the message's departure, both on the front end's clock; 0 if it tells none."""
    return max(0.0, message.sent_s - moment_s) if moment_s else 0.0


def _told(timeline: Timeline) -> RequestTimeline:
    return RequestTimeline(
        id=timeline.name,
        response_id=timeline.answer_id,
        frontend=timeline.frontend_id,
        received_at=timeline.received_unix_s,
        engines_died=timeline.attempt,
        sequences=[_told_sequence(timeline, trace) for trace in timeline.traces],
        sequences_left_out=timeline.num_left_out,
    )


def _told_sequence(timeline: Timeline, trace: Trace) -> SequenceTimeline:
    counts = trace.counts
    arrival = [
        Moment(timeline.received_at, Event.RECEIVED),
        Moment(timeline.tokenized_at, Event.TOKENIZED),
    ]
    return SequenceTimeline(
        status=_STATUS[State.FINISHED if trace.sequence is None else trace.sequence.state],
        finish_reason=trace.finish_reason,
        prompt_tokens=counts.num_prompt,
        cached_tokens=counts.num_cached,
        output_tokens=counts.num_output,
        preemptions=counts.num_preemptions,
        events=[_told_event(timeline, moment) for moment in [*arrival, *trace.moments]],
        events_left_out=trace.num_left_out,
    )


def _told_event(timeline: Timeline, moment: Moment) -> TimelineEvent:
    at_s = round(moment.at - timeline.received_at, 6)
    if moment.event is Event.PREFILL:
        return TimelineEvent(moment.event, at_s, moment.num_tokens)
    return TimelineEvent(moment.event, at_s)
