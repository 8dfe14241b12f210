"""However an output is cut, its pieces are the text that decoding it whole behind the prompt gives."""

import random
from collections.abc import Iterator, Sequence

import pytest

from penstock.frontend.text.detokenizer import ByBytes, Detokenizer, Windowed, detokenizer
from penstock.frontend.text.tokenizer import Tokenizer

ROUNDS = 300


def streamed(stream: Detokenizer, ids: Sequence[int], rng: random.Random) -> str:
    pieces = []
    start = 0
    while start < len(ids):
        end = start + rng.choice((1, 1, 2, 5, 100))
        pieces.append(stream.push(ids[start:end]))
        start = end
    return "".join([*pieces, stream.flush()])


def outputs(
    tokenizer: Tokenizer, samples: Sequence[str], rng: random.Random
) -> Iterator[list[int]]:
    """Cuts of real text, and ids at random."""
    real = [tokenizer.encode(text, add_special_tokens=False) for text in samples]
    for _ in range(ROUNDS):
        ids = rng.choice(real)
        start = rng.randrange(len(ids))
        yield ids[start : start + rng.randrange(1, 40)]
        yield [rng.randrange(tokenizer.vocab_size) for _ in range(rng.randrange(1, 12))]


@pytest.mark.parametrize("skip", [True, False])
def test_every_split_gives_the_same_text(
    tokenizer: Tokenizer, samples: tuple[str, ...], skip: bool
) -> None:
    rng = random.Random(1)
    for ids in outputs(tokenizer, samples, rng):
        whole = detokenizer(tokenizer, skip_special_tokens=skip)
        expected = whole.push(ids) + whole.flush()
        pieces = detokenizer(tokenizer, skip_special_tokens=skip)
        assert streamed(pieces, ids, rng) == expected


@pytest.mark.parametrize("skip", [True, False])
def test_text_without_a_prompt_is_what_decode_gives(
    tokenizer: Tokenizer, samples: tuple[str, ...], skip: bool
) -> None:
    rng = random.Random(2)
    for ids in outputs(tokenizer, samples, rng):
        whole = tokenizer.decode(ids, skip)
        text = streamed(detokenizer(tokenizer, skip_special_tokens=skip), ids, rng)
        if is_exact(tokenizer) or "\ufffd" not in whole:
            assert text == whole


def test_prompt_and_output_add_up_to_the_text_of_both(
    tokenizer: Tokenizer, samples: tuple[str, ...]
) -> None:
    rng = random.Random(3)
    for ids in outputs(tokenizer, samples, rng):
        cut = rng.randrange(len(ids) + 1)
        prompt, output = ids[:cut], ids[cut:]
        before, both = tokenizer.decode(prompt), tokenizer.decode(ids)
        if before.endswith("\ufffd") or not (is_exact(tokenizer) or "\ufffd" not in both):
            continue
        assert before + streamed(detokenizer(tokenizer, prompt), output, rng) == both


def is_exact(tokenizer: Tokenizer) -> bool:
    """Byte-level decoders replace broken bytes as we do; sentencepiece's replaces the run they are in."""
    return tokenizer.token_id("<0x0A>") is None


def test_no_piece_ends_in_a_torn_character(byte_level: Tokenizer, samples: tuple[str, ...]) -> None:
    for text in samples:
        stream = detokenizer(byte_level, skip_special_tokens=False)
        shown = "".join(
            stream.push((i,)) for i in byte_level.encode(text, add_special_tokens=False)
        )
        assert shown == text
        assert stream.flush() == ""


def test_a_character_begun_in_the_prompt_belongs_to_the_output(byte_level: Tokenizer) -> None:
    ids = byte_level.encode("\U0001f9ff", add_special_tokens=False)
    assert len(ids) > 1
    for cut in range(1, len(ids)):
        assert detokenizer(byte_level, ids[:cut]).push(ids[cut:]) == "\U0001f9ff"


def test_an_output_that_ends_within_a_character_flushes_a_replacement(
    byte_level: Tokenizer,
) -> None:
    ids = byte_level.encode("ok \U0001f9ff", add_special_tokens=False)[:-1]
    stream = detokenizer(byte_level)
    assert stream.push(ids) == "ok "
    assert stream.flush() == "\ufffd"
    assert stream.flush() == ""


def test_special_tokens_show_only_when_asked_for(byte_level: Tokenizer) -> None:
    end = byte_level.token_id("<|im_end|>")
    tool = byte_level.token_id("<tool call>")
    assert end is not None
    assert tool is not None
    assert detokenizer(byte_level).push([end, tool]) == "<tool call>"
    shown = detokenizer(byte_level, skip_special_tokens=False)
    assert shown.push([end, tool]) == "<|im_end|><tool call>"


def test_windows_agree_with_tables(byte_level: Tokenizer, samples: tuple[str, ...]) -> None:
    """The general way is slower, not different, where both apply."""
    rng = random.Random(4)
    for ids in outputs(byte_level, samples, rng):
        table = ByBytes(byte_level, (), byte_level.special_ids)
        window = Windowed(byte_level, (), byte_level.special_ids, spaces=True)
        text = streamed(table, ids, rng)
        if "\ufffd" not in text:
            assert streamed(window, ids, rng) == text


def test_a_decoder_without_a_table_streams_too(word_piece: Tokenizer) -> None:
    assert word_piece.plan is None
    rng = random.Random(5)
    ids = word_piece.encode("the quicker fox , the foxs", add_special_tokens=False)
    assert streamed(detokenizer(word_piece), ids, rng) == "the quicker fox, the foxs"
    assert detokenizer(word_piece, ids[:2]).push(ids[2:4]) == "er fox"


def test_added_tokens_in_a_row_need_no_spaces(word_piece: Tokenizer) -> None:
    ids = [word_piece.token_id(name) or 0 for name in ("the", "[CLS]", "[SEP]", "[CLS]", "fox")]
    stream = detokenizer(word_piece, skip_special_tokens=False, spaces_between_special_tokens=False)
    assert stream.push(ids) == "the [CLS][SEP][CLS] fox"
    assert detokenizer(word_piece, skip_special_tokens=False).push(ids) == word_piece.decode(
        ids, skip_special_tokens=False
    )
