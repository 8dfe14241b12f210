"""What can happen to the bytes of a body, and to what its headers say of them. Knows no JSON."""

import gzip
import random
from collections.abc import Callable

Spoiled = tuple[bytes, dict[str, str]]


def _cut(dice: random.Random, data: bytes) -> Spoiled:
    return data[: dice.randrange(len(data))], {}


def _flipped(dice: random.Random, data: bytes) -> Spoiled:
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 3, 20))):
        found[dice.randrange(len(found))] = dice.randrange(256)
    return bytes(found), {}


def _inserted(dice: random.Random, data: bytes) -> Spoiled:
    """Broken UTF-8 of every kind: lone, overlong, beyond Unicode, cut."""
    piece = dice.choice(
        (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe4\xb8", b"\0")
    )
    place = dice.randrange(len(data) + 1)
    return data[:place] + piece * dice.choice((1, 1, 1000)) + data[place:], {}


def _followed(dice: random.Random, data: bytes) -> Spoiled:
    return data + dice.choice((b"{}", b",", b"]", b"\n\n\n", b"\0", data)), {}


def _preceded(dice: random.Random, data: bytes) -> Spoiled:
    return dice.choice((b"\xef\xbb\xbf", b" " * 100_000, b"//\n", b"data: ")) + data, {}


def _encoded(dice: random.Random, data: bytes) -> Spoiled:
    codec = dice.choice(("utf-16", "utf-16-be", "utf-32", "cp037"))
    charset = dice.choice((codec, "utf-8", "nonsense", ""))
    return data.decode().encode(codec), {"Content-Type": f"application/json; charset={charset}"}


def _no_object(dice: random.Random, data: bytes) -> Spoiled:
    pieces = (b"", b" ", b"null", b"[]", b'"a"', b"1", b"NaN", b"[" + data + b"]", b"{", b"x")
    return dice.choice(pieces), {}


def _doubled_keys(dice: random.Random, data: bytes) -> Spoiled:
    inner = data[1:-1]
    again = dice.choice((inner, b'"model": 1', b'"messages": 5', b'"prompt": null', b'"": ""'))
    return b"{" + inner + (b", " if inner else b"") + b", ".join([again] * 3) + b"}", {}


def _compressed(dice: random.Random, data: bytes) -> Spoiled:
    """Rightly, wrongly, and far more than it seems."""
    packed = dice.choice(
        (gzip.compress(data), data, gzip.compress(data)[:-4], gzip.compress(b" " * 40_000_000))
    )
    return packed, {"Content-Encoding": dice.choice(("gzip", "deflate", "br", "zstd", "nope"))}


def _other_kind(dice: random.Random, data: bytes) -> Spoiled:
    kinds = (
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
        'a/b; c="',
    )
    return data, {"Content-Type": dice.choice(kinds)}


SPOILED: tuple[Callable[[random.Random, bytes], Spoiled], ...] = (
    _cut, _flipped, _flipped, _inserted, _inserted, _followed, _preceded, _encoded, _no_object,
    _doubled_keys, _compressed, _other_kind,
)  # fmt: skip
