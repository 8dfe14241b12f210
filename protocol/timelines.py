"""The way of a recent request through the engine, as it is told to people. Knows shapes, not who remembers.

These travel inside a Control and its Result, as msgpack maps, and are shown as JSON under the same names.
"""

import enum
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class Event(enum.StrEnum):
    """What happens to a sequence."""

    RECEIVED = "received"
    TOKENIZED = "tokenized"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    PREFILL = "prefill"
    FIRST_TOKEN = "first_token"
    PREEMPTED = "preempted"
    WORKERS_LOST = "workers_lost"
    FINISHED = "finished"


Status = Literal["held", "waiting", "running", "finished"]


class TimelineQuestion(msgspec.Struct, frozen=True):
    """Which request is meant, by its own id or its answer's, and for whom: "" may see everyone's."""

    id: str
    tenant: str = ""


class TimelineEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    event: Event
    at_s: float
    """Seconds since the request was received."""
    num_tokens: int | UnsetType = UNSET
    """Of a prefill: the tokens that it computes."""


class SequenceTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """One of the sequences that a request takes."""

    status: Status
    """One that is held waits for its grammar to be compiled."""
    finish_reason: str | None
    """stop, length, abort (the client left), error, frontend_gone, or why it was refused."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompt, found in the prefix cache."""
    output_tokens: int
    preemptions: int
    events: list[TimelineEvent]
    events_left_out: int
    """There were too many to keep; the last one is always there."""


class RequestTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request."""

    object: Literal["request.timeline"] = "request.timeline"
    id: str
    """As in X-Request-Id."""
    response_id: str
    """The id in the answer's body."""
    frontend: str
    """The front end that took it."""
    received_at: float
    """Unix seconds."""
    engines_died: int
    """While they ran it; what happened in them is not known."""
    sequences: list[SequenceTimeline]
    sequences_left_out: int
