"""Tables of bytes stand only for decoders that add up, and decode as Rust does."""

from codecs import utf_8_decode
from itertools import product
from typing import Any

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from penstock.frontend.text.detokenizer import detokenizer
from penstock.frontend.text.token_bytes import plan
from penstock.frontend.text.tokenizer import Tokenizer

REPLACE = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
FALLBACK = {"type": "ByteFallback"}
FUSE = {"type": "Fuse"}
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
# One of each class that UTF-8 tells apart.
BYTES = (0x41, 0x80, 0x90, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xE1, 0xED, 0xF0, 0xF1, 0xF4, 0xF5)


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "decoders": list(steps)}


@pytest.mark.parametrize(
    ("decoder", "spaces"),
    [
        ({"type": "ByteLevel"}, 0),
        (sequence(REPLACE, FALLBACK, FUSE), 0),
        (sequence(REPLACE, FALLBACK, FUSE, STRIP), 1),
        (sequence({"type": "ByteLevel"}), 0),
    ],
)
def test_plain_decoders_have_a_table(decoder: dict[str, Any], spaces: int) -> None:
    found = plan(decoder)
    assert found is not None
    assert found.leading_spaces == spaces


@pytest.mark.parametrize(
    "decoder",
    [
        None,
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        sequence(REPLACE, STRIP, FUSE),
        sequence(FALLBACK, REPLACE, FUSE),
        sequence(REPLACE, FUSE, {**STRIP, "stop": 1}),
        sequence({**REPLACE, "pattern": {"Regex": "x+"}}, FUSE),
    ],
)
def test_other_decoders_have_none(decoder: dict[str, Any] | None) -> None:
    assert plan(decoder) is None


def test_sentencepiece_names_become_bytes() -> None:
    found = plan(sequence(REPLACE, FALLBACK, FUSE))
    assert found is not None
    names = ["▁Hi", "<0xE2>", "<0x0A>", "<0xZZ>", "é▁"]
    assert [found.to_bytes(name) for name in names] == [
        b" Hi",
        b"\xe2",
        b"\n",
        b"<0xZZ>",
        "é ".encode(),
    ]


def test_broken_bytes_are_replaced_as_rust_does_it_byte_by_byte() -> None:
    """The ground on which byte-level streams equal whole decodes; all sequences up to four bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    vocab = {chr(byte): byte for byte in printable}
    vocab |= {chr(0x100 + n): byte for n, byte in enumerate(others)}
    backend = Backend(models.BPE(vocab, []))
    backend.decoder = decoders.ByteLevel()
    for length in range(1, 5):
        cases = list(product(BYTES, repeat=length))
        for case, whole in zip(cases, backend.decode_batch(cases), strict=True):
            assert one_by_one(case) == whole


def one_by_one(data: tuple[int, ...]) -> str:
    text, torn = "", b""
    for byte in data:
        piece, used = utf_8_decode(torn + bytes([byte]), "replace", False)
        text, torn = text + piece, (torn + bytes([byte]))[used:]
    return text + utf_8_decode(torn, "replace", True)[0]


def test_metaspace_streams_behind_a_prompt() -> None:
    vocab = [("<unk>", 0.0), ("▁Hello", -1.0), ("▁world", -1.0), ("s", -1.0), ("▁", -1.0)]
    backend = Backend(models.Unigram(vocab, 0, False))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    tokenizer = Tokenizer(backend)
    assert tokenizer.plan is None
    assert detokenizer(tokenizer).push([1, 2, 3, 2]) == "Hello worlds world"
    assert detokenizer(tokenizer, [1, 2]).push([3, 2]) == "s world"
    assert [tokenizer.token_bytes(i) for i in (1, 3)] == [b" Hello", b"s"]
