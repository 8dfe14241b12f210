"""Messages on a stream socket: four bytes of length, then the message. Knows bytes, not what they say."""

import struct

READ_BYTES = 1 << 18
_LENGTH = struct.Struct("<I")


def frame(message: bytes) -> bytes:
    """The message as it travels; at most 4 GiB of it."""
    return _LENGTH.pack(len(message)) + message


class FrameReader:
    """Puts together again what a stream has cut up. Reading is linear in the bytes, whatever the cuts."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now."""
        if not self._held and _whole(data) == len(data):  # one read brought one message
            return [data[_LENGTH.size :]]
        self._held += data
        messages = []
        while (end := _whole(self._held)) <= len(self._held):
            messages.append(bytes(memoryview(self._held)[_LENGTH.size : end]))
            del self._held[:end]
        return messages


def _whole(data: bytes | bytearray) -> int:
    """How many bytes the first message takes with its length; more than there are, where that is not here yet."""
    if len(data) < _LENGTH.size:
        return len(data) + 1
    return _LENGTH.size + int(_LENGTH.unpack_from(data)[0])
