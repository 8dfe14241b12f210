"""A place under the limits: asked for, granted or not, given back. Knows fields, no limit."""

from penstock.protocol.messages.base import Message

ADDRESS = "addr:"
"""Begins the subject of who has no key: no name of a holder has a colon."""


class Reserve(Message, frozen=True, tag=8):
    """Ask for a place under the limits, for one request of any number of `Generate`s. Answered by a `Verdict`.

    `id` is unique within (frontend_id, epoch), beside those of requests. `certain` tokens are used once the first
    Generate was let in; of `possible` ones, those that the engine generates.
    """

    id: int
    subject: str
    """Whose limits: the name of a key's holder, or `addr:` and an address."""
    certain: int = 0
    possible: int = 0
    resumes: bool = False
    """An engine that is gone had granted it: it is granted, and no new request."""


class Settle(Message, frozen=True, tag=9):
    """These reservations are over. Unknown ids are ignored; no answer."""

    ids: list[int]


class Meter(Message, frozen=True):
    """The window that is nearest to its limit."""

    limit: int
    remaining: int
    reset_s: float
    """Until all of it is free again."""


class Verdict(Message, frozen=True, tag=39):
    """Answers one Reserve. Where it is not granted, `retry_after_s` 0 means that waiting is no use."""

    id: int
    is_granted: bool
    message: str = ""
    """What is used up, for the person who asked."""
    retry_after_s: float = 0.0
    requests: Meter | None = None
    """None where nothing bounds their number."""
    tokens: Meter | None = None
