"""Packed log probabilities become what OpenAI's and vLLM's clients read."""

import math
from array import array

import msgspec
import pytest

from penstock.frontend.text.logprobs import (
    ALL,
    CompletionWriter,
    PromptLogprob,
    TokenNames,
    chat_logprobs,
    prompt_logprobs,
)
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol import token_ids
from penstock.protocol.messages import TokenLogprobs


def packed(rows: list[list[tuple[int, float]]], ranks: list[int]) -> TokenLogprobs:
    cells = [cell for row in rows for cell in row]
    values = array("f", [value for _, value in cells])
    ids = token_ids.pack(token_id for token_id, _ in cells)
    return TokenLogprobs(len(rows[0]), ids, values.tobytes(), token_ids.pack(ranks))


@pytest.fixture
def letters(byte_level: Tokenizer) -> dict[str, int]:
    return {char: byte_level.encode(char, add_special_tokens=False)[0] for char in "abcd"}


@pytest.fixture
def two_rows(letters: dict[str, int]) -> TokenLogprobs:
    """`c`, outside its two likeliest; then `a`, the likeliest, before an impossible one."""
    a, b, c = letters["a"], letters["b"], letters["c"]
    first = [(c, -3.0), (a, -0.5), (b, -1.0)]
    return packed([first, [(a, -0.25), (a, -0.25), (b, -math.inf)]], [3, 1])


def test_chat_lists_the_likeliest_beside_each_token(
    byte_level: Tokenizer, two_rows: TokenLogprobs
) -> None:
    content = chat_logprobs(two_rows, TokenNames(byte_level), num_top=1)
    assert msgspec.to_builtins(content) == [
        {
            "token": "c",
            "logprob": -3.0,
            "bytes": [99],
            "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}],
        },
        {
            "token": "a",
            "logprob": -0.25,
            "bytes": [97],
            "top_logprobs": [{"token": "a", "logprob": -0.25, "bytes": [97]}],
        },
    ]


def test_what_json_cannot_hold_becomes_a_floor(
    byte_level: Tokenizer, two_rows: TokenLogprobs, letters: dict[str, int]
) -> None:
    content = chat_logprobs(two_rows, TokenNames(byte_level), ALL)
    assert content[1].top_logprobs[1].logprob == -9999.0
    lost = packed([[(letters["a"], math.nan)]], [1])
    assert chat_logprobs(lost, TokenNames(byte_level), 0)[0].logprob == -9999.0


def test_a_stop_string_cuts_the_entries(byte_level: Tokenizer, two_rows: TokenLogprobs) -> None:
    assert len(chat_logprobs(two_rows, TokenNames(byte_level), 0, limit=1)) == 1


def test_torn_characters_show_their_bytes(byte_level: Tokenizer) -> None:
    first, *_ = byte_level.encode("\U0001f9ff", add_special_tokens=False)
    entry = chat_logprobs(packed([[(first, -1.0)]], [1]), TokenNames(byte_level), 0)[0]
    assert entry.token == "\ufffd"
    assert bytes(entry.bytes) == byte_level.token_bytes(first)


def test_completions_run_their_offsets_on(
    byte_level: Tokenizer, two_rows: TokenLogprobs, letters: dict[str, int]
) -> None:
    writer = CompletionWriter(TokenNames(byte_level), num_top=2, text_offset=10)
    writer.add_unscored(letters["d"])
    writer.add(two_rows)
    assert msgspec.to_builtins(writer.take()) == {
        "text_offset": [10, 11, 12],
        "token_logprobs": [None, -3.0, -0.25],
        "tokens": ["d", "c", "a"],
        "top_logprobs": [None, {"c": -3.0, "a": -0.5, "b": -1.0}, {"a": -0.25, "b": -9999.0}],
    }
    writer.add(two_rows, limit=1)
    assert writer.take().text_offset == [13]


def test_tokens_may_be_named_by_their_ids(
    byte_level: Tokenizer, two_rows: TokenLogprobs, letters: dict[str, int]
) -> None:
    names = TokenNames(byte_level, as_ids=True)
    entry = chat_logprobs(two_rows, names, 1)[0]
    assert entry.token == f"token_id:{letters['c']}"
    assert entry.bytes == [99]


def test_prompt_logprobs_carry_ranks(
    byte_level: Tokenizer, two_rows: TokenLogprobs, letters: dict[str, int]
) -> None:
    first, second = prompt_logprobs(two_rows, TokenNames(byte_level))
    assert first == {
        letters["c"]: PromptLogprob(-3.0, 3, "c"),
        letters["a"]: PromptLogprob(-0.5, 1, "a"),
        letters["b"]: PromptLogprob(-1.0, 2, "b"),
    }
    assert list(second) == [letters["a"], letters["b"]]
    assert msgspec.json.decode(msgspec.json.encode(second))
