"""What every message is made of. Knows no message."""

import enum

import msgspec

PROTOCOL_VERSION = 1


class FinishReason(enum.IntEnum):
    """Why a sequence ended, as the engine sees it. Stop strings are the front end's own finding."""

    STOP = 1
    LENGTH = 2
    ABORT = 3
    ERROR = 4


class RefusalCode(enum.StrEnum):
    """Stable reasons for `Refused`; a front end turns each into one HTTP status."""

    OVERLOADED = "overloaded"
    TOO_LONG = "too_long"
    DEADLINE = "deadline"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    DRAINING = "draining"
    POISONED = "poisoned"


class ControlVerb(enum.IntEnum):
    """What a front end may ask of the engine besides tokens."""

    METRICS = 1
    RESET_PREFIX_CACHE = 2
    REQUEST_TIMELINE = 3


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of everything on the wire."""
