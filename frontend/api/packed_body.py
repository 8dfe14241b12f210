"""Bodies that come compressed. Knows encodings and bounds, not what is inside.

aiohttp would unpack a body as it comes and to its end, however large, though its answer was sent long ago: some
kilobytes could hold up every stream of a front end for minutes. So it is told not to, and this is done in its place.
"""

import zlib

from penstock.frontend.errors import ApiError, bad_request

_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW_DEFLATE = -15
"""What some clients call deflate."""


def unpacked(data: bytes, encoding: str, max_bytes: int) -> bytes:
    """By Content-Encoding, never more than `max_bytes` (0: no bound). Raises ApiError."""
    name = encoding.strip().lower()
    if name not in _WBITS:
        known = ", ".join(_WBITS)
        raise ApiError(415, f"Content-Encoding {encoding[:80]!r} is not supported ({known} are).")
    found, is_whole = _inflated(data, _WBITS[name], max_bytes)
    if max_bytes and len(found) > max_bytes:
        raise ApiError(413, f"Maximum request body size {max_bytes} exceeded.")
    if not is_whole:
        raise bad_request(f"The request body is no whole {name}, as its Content-Encoding has it.")
    return found


def _inflated(data: bytes, wbits: int, max_bytes: int) -> tuple[bytes, bool]:
    """And whether that is all of it."""
    unpacker = zlib.decompressobj(wbits)
    try:
        found = unpacker.decompress(data, max_bytes + 1 if max_bytes else 0)
    except zlib.error:
        return _inflated(data, _RAW_DEFLATE, max_bytes) if wbits == 15 else (b"", False)
    return found, unpacker.eof and not unpacker.unused_data
