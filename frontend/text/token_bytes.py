"""The bytes each token stands for, where a decoder is plain enough that text is just their sum. Knows no streams.

Two families cover nearly every served model, and both become a table of id -> bytes:

- byte-level BPE: each character of a token's name stands for one byte;
- sentencepiece: a name is its own text with a mark for the space, and `<0x0A>` is the byte 0x0A.

Everything else (WordPiece, Metaspace, CTC, ...) has no such table: `plan` answers None.
"""

import re
from collections.abc import Callable, Container
from typing import Any

import msgspec

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class DecodePlan(msgspec.Struct, frozen=True):
    """How names become bytes, and how many spaces at the very start of a text are not shown."""

    to_bytes: Callable[[str], bytes]
    leading_spaces: int = 0


class TokenBytes(dict[int, bytes]):
    """id -> bytes, filled when first asked for; ids without a name, and hidden ones, are empty."""

    def __init__(
        self,
        name_of: Callable[[int], str | None],
        to_bytes: Callable[[str], bytes],
        hidden: Container[int] = (),
    ) -> None:
        super().__init__()
        self._name_of = name_of
        self._to_bytes = to_bytes
        self._hidden = hidden

    def __missing__(self, token_id: int) -> bytes:
        name = None if token_id in self._hidden else self._name_of(token_id)
        self[token_id] = data = self._to_bytes(name) if name is not None else b""
        return data


def plan(decoder: dict[str, Any] | None) -> DecodePlan | None:
    """Reads the "decoder" of a tokenizer.json; None when no table can stand for it."""
    steps = _flatten(decoder)
    if [step["type"] for step in steps] == ["ByteLevel"]:
        return DecodePlan(_byte_level(_byte_alphabet()))
    return _sentencepiece_plan(steps)


def _flatten(decoder: dict[str, Any] | None) -> list[dict[str, Any]]:
    if decoder is None:
        return []
    if decoder["type"] != "Sequence":
        return [decoder]
    return [step for inner in decoder["decoders"] for step in _flatten(inner)]


def _sentencepiece_plan(steps: list[dict[str, Any]]) -> DecodePlan | None:
    """Replace*, ByteFallback?, then Fuse with at most a Strip of leading spaces behind it."""
    shape = " ".join(step["type"] for step in steps)
    if not re.fullmatch(r"(Replace )*(ByteFallback )?Fuse( Strip)?", shape):
        return None
    replaced = [(s["pattern"].get("String"), s["content"]) for s in steps if s["type"] == "Replace"]
    if not all(pattern for pattern, _ in replaced):
        return None
    to_bytes = _by_name(replaced, "ByteFallback" in shape)
    strip = steps[-1]
    if strip["type"] != "Strip":
        return DecodePlan(to_bytes)
    if strip["content"] != " " or strip["stop"]:
        return None
    return DecodePlan(to_bytes, strip["start"])


def _by_name(replaced: list[tuple[str, str]], byte_fallback: bool) -> Callable[[str], bytes]:
    def to_bytes(name: str) -> bytes:
        for pattern, content in replaced:
            name = name.replace(pattern, content)
        if byte_fallback and (byte := _BYTE_TOKEN.fullmatch(name)):
            return bytes.fromhex(byte[1])
        return name.encode()

    return to_bytes


def _byte_level(byte_of: dict[str, int]) -> Callable[[str], bytes]:
    def to_bytes(name: str) -> bytes:
        try:
            return bytes([byte_of[char] for char in name])
        except KeyError:  # an added token, spelled as it reads
            return name.encode()

    return to_bytes


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's: printable bytes stand for themselves, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(0x100 + n): byte for n, byte in enumerate(others)
    }
