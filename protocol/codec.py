"""Bytes to messages and back. Knows the unions and their bounds, not the sockets."""

import math
from typing import Any, Generic, TypeVar

import msgspec

from penstock.protocol import messages, plan
from penstock.protocol.errors import WireError

MAX_FRAME_BYTES = 64 << 20
UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""All that msgspec raises on hostile bytes; it leaves text that is not UTF-8 to Python."""

T = TypeVar("T")


class Codec(Generic[T]):
    """Encodes any struct and decodes one closed union of them. Reused: building one costs milliseconds."""

    def __init__(self, union: Any, max_bytes: float = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(union)
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, message: msgspec.Struct) -> bytes:
        return self._encoder.encode(message)

    def decode(self, frame: bytes | memoryview) -> T:
        """Raises WireError on anything that is not one message of the union within the size bound."""
        if len(frame) > self._max_bytes:
            raise WireError(f"frame of {len(frame)} bytes exceeds {self._max_bytes}")
        try:
            return self._decoder.decode(frame)
        except UNDECODABLE as error:
            raise WireError(f"frame of {len(frame)} bytes does not decode: {error}") from error


def up_codec() -> Codec[messages.Up]:
    """For what front ends send."""
    return Codec(messages.Up)


def down_codec() -> Codec[messages.Down]:
    """For what the engine core sends to front ends."""
    return Codec(messages.Down)


def to_worker_codec() -> Codec[plan.ToWorker]:
    """For what the engine core sends to workers."""
    return Codec(plan.ToWorker, math.inf)


def from_worker_codec() -> Codec[plan.FromWorker]:
    """For what workers send to the engine core."""
    return Codec(plan.FromWorker, math.inf)
