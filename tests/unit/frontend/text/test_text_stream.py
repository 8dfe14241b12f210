"""Tokens in, text out: stop tokens are hidden, stop strings counted in tokens, min_tokens respected."""

import random

import pytest

from penstock.frontend.text.detokenizer import Silent, detokenizer
from penstock.frontend.text.text_stream import TextDelta, TextStream
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.messages import FinishReason


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def test_the_token_that_stops_is_hidden_but_counted(byte_level: Tokenizer) -> None:
    stream = TextStream(detokenizer(byte_level))
    ids = [*ids_of(byte_level, "fox dog"), *ids_of(byte_level, "!")]
    assert stream.push(ids, FinishReason.STOP) == TextDelta("fox dog", None, len(ids))


def test_the_token_that_stops_is_shown_where_stops_are_included(byte_level: Tokenizer) -> None:
    stream = TextStream(detokenizer(byte_level), include_stop_str_in_output=True)
    assert stream.push(ids_of(byte_level, "fox!"), FinishReason.STOP).text == "fox!"


def test_at_the_limit_the_last_token_is_shown(byte_level: Tokenizer) -> None:
    stream = TextStream(detokenizer(byte_level))
    ids = ids_of(byte_level, "ok \U0001f9ff")
    assert stream.push(ids[:-1], FinishReason.LENGTH).text == "ok \ufffd"


def test_a_stop_string_ends_the_output_at_its_token(byte_level: Tokenizer) -> None:
    ids = ids_of(byte_level, "The quick brown fox")
    stream = TextStream(detokenizer(byte_level), ("brow",))
    delta = stream.push(ids)
    consumed = byte_level.decode(ids[: delta.num_tokens])
    assert (delta.text, delta.stop) == ("The quick ", "brow")
    assert "brow" in consumed
    assert "brow" not in byte_level.decode(ids[: delta.num_tokens - 1])
    assert stream.num_tokens == delta.num_tokens


def test_what_is_held_back_comes_out_at_the_end(byte_level: Tokenizer) -> None:
    stream = TextStream(detokenizer(byte_level), ("fox jumps",))
    assert stream.push(ids_of(byte_level, "brown fox")).text == "brown "
    assert stream.push([], FinishReason.LENGTH).text == "fox"


def test_stop_strings_within_min_tokens_do_not_count(byte_level: Tokenizer) -> None:
    once = ids_of(byte_level, "fox dog ")
    stream = TextStream(detokenizer(byte_level), ("dog",), min_tokens=len(once))
    delta = stream.push(once * 2)
    assert (delta.text, delta.stop) == ("fox dog fox ", "dog")


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("min_tokens", [0, 3])
def test_every_split_gives_the_same_output(
    byte_level: Tokenizer, samples: tuple[str, ...], include: bool, min_tokens: int
) -> None:
    rng = random.Random(1)
    for text in samples * 20:
        ids = ids_of(byte_level, text)
        start = rng.randrange(len(text))
        stops = (text[start : start + 3], "zzz")
        results = {run(byte_level, ids, stops, include, min_tokens, rng) for _ in range(4)}
        assert len(results) == 1


def run(
    tokenizer: Tokenizer,
    ids: list[int],
    stops: tuple[str, ...],
    include: bool,
    min_tokens: int,
    rng: random.Random,
) -> tuple[str, str | None, int]:
    stream = TextStream(
        detokenizer(tokenizer),
        stops,
        include_stop_str_in_output=include,
        min_tokens=min_tokens,
    )
    shown, start = "", 0
    while start < len(ids):
        end = start + rng.choice((1, 2, 3, 50))
        finish = FinishReason.LENGTH if end >= len(ids) else None
        delta = stream.push(ids[start:end], finish)
        shown += delta.text
        if delta.stop is not None:
            return shown, delta.stop, stream.num_tokens
        start = end
    return shown, None, stream.num_tokens


def test_a_silent_stream_counts_only() -> None:
    stream = TextStream(Silent())
    assert stream.push([1, 2, 3], FinishReason.LENGTH) == TextDelta("", None, 3)


@pytest.mark.parametrize("stop", [(), ("lazy \U0001f9ff",), ("dog!!",)])
@pytest.mark.parametrize("finish", list(FinishReason)[:2])
def test_each_token_brings_the_same_text_however_it_comes(
    byte_level: Tokenizer, stop: tuple[str, ...], finish: FinishReason
) -> None:
    ids = ids_of(byte_level, "The quick \U0001f9ff fox jumps over the lazy \U0001f9ff dog!")
    found = set()
    for size in (1, 2, 5, len(ids)):
        stream = TextStream(detokenizer(byte_level), stop, tells_parts=True)
        parts: tuple[str, ...] = ()
        text, is_over = "", False
        for at in range(0, len(ids), size):
            if not is_over:
                delta = stream.push(ids[at : at + size], finish if at + size >= len(ids) else None)
                assert len(delta.parts) == delta.num_tokens
                parts, text = parts + delta.parts, text + delta.text
                is_over = delta.stop is not None
        assert text.startswith("".join(parts))
        found.add((parts, text))
    assert len(found) == 1
