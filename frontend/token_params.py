"""Checks the sampling parameters that name tokens. Knows the vocabulary's size, not its texts (but for bad words)."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from penstock.frontend.errors import bad_request

MAX_BAD_WORDS = 128
MAX_BAD_WORD_TOKENS = 1024
MAX_BAD_WORD_CHARS = 16 * MAX_BAD_WORD_TOKENS
"""They are encoded between other streams' tokens, so they must be few before they are counted."""
MAX_LOGPROB_TOKEN_IDS = 128
MAX_BIAS = 100.0

Encode = Callable[[str], Sequence[int]]


def token_ids(name: str, ids: Sequence[int] | None, vocab_size: int) -> tuple[int, ...]:
    """The ids, each once, all of them in the vocabulary."""
    _check_vocabulary(name, ids or (), vocab_size)
    return tuple(dict.fromkeys(ids or ()))


def allowed_token_ids(ids: Sequence[int] | None, vocab_size: int) -> tuple[int, ...]:
    if ids is not None and not ids:
        raise bad_request("allowed_token_ids is not None and empty!", "allowed_token_ids", ids)
    return token_ids("allowed_token_ids", ids, vocab_size)


def logprob_token_ids(
    ids: Sequence[int] | None, logprobs: int | None, vocab_size: int
) -> tuple[int, ...]:
    name = "logprob_token_ids"
    if ids and logprobs is None:
        raise bad_request("when using `logprob_token_ids`, `logprobs` must be set.", name)
    if ids and len(ids) > MAX_LOGPROB_TOKEN_IDS:
        raise bad_request(f"{name} holds at most {MAX_LOGPROB_TOKEN_IDS} ids.", name, len(ids))
    return token_ids(name, ids, vocab_size)


def logit_bias(given: Mapping[str, float] | None, vocab_size: int) -> dict[int, float]:
    """Biases by token id, clamped as OpenAI does."""
    bias = {_as_id(key): value for key, value in (given or {}).items()}
    if None in bias:
        wrong = [key for key in given or {} if _as_id(key) is None][:10]
        raise bad_request(
            f"logit_bias contains key(s) that cannot be converted to integer token IDs: {wrong}",
            "logit_bias",
        )
    if not all(map(math.isfinite, bias.values())):
        raise bad_request("logit_bias must be made of finite numbers.", "logit_bias")
    ids = {key: max(-MAX_BIAS, min(MAX_BIAS, v)) for key, v in bias.items() if key is not None}
    _check_vocabulary("logit_bias", ids, vocab_size)
    return ids


def bad_words(
    words: Sequence[str] | None, encode: Encode, vocab_size: int
) -> tuple[tuple[int, ...], ...]:
    """The token sequences that spell the words, at the start of a word and within one."""
    if not all(word.strip() for word in words or ()):
        raise bad_request("bad_words cannot contain an empty string.", "bad_words", words)
    if len(words or ()) > MAX_BAD_WORDS:
        raise bad_request(f"bad_words holds at most {MAX_BAD_WORDS} words.", "bad_words")
    if sum(map(len, words or ())) > MAX_BAD_WORD_CHARS:
        raise bad_request(f"bad_words exceeds {MAX_BAD_WORD_CHARS} characters.", "bad_words")
    spelled = [ids for word in words or () for ids in _spellings(word, encode)]
    if sum(map(len, spelled)) > MAX_BAD_WORD_TOKENS:
        raise bad_request(f"bad_words exceeds {MAX_BAD_WORD_TOKENS} tokens.", "bad_words")
    for ids in spelled:
        _check_vocabulary("bad_words", ids, vocab_size)
    return tuple(spelled)


def _spellings(word: str, encode: Encode) -> list[tuple[int, ...]]:
    """At the start of a text and behind a space, where that is not the same ids and one more.

    vLLM leaves the spaced form out wherever the lengths differ, and so lets through every word that is
    one token within a sentence but several at its start.
    """
    bare = tuple(encode(word.lstrip()))
    spaced = tuple(encode(" " + word.lstrip()))
    is_covered = spaced[-len(bare) :] == bare
    return [ids for ids in ([bare] if is_covered else [bare, spaced]) if ids]


def _as_id(key: str) -> int | None:
    try:
        return int(key)
    except ValueError:
        return None


def _check_vocabulary(name: str, ids: Iterable[int], vocab_size: int) -> None:
    unknown = [i for i in ids if not 0 <= i < vocab_size]
    if unknown:
        raise bad_request(
            f"token_id(s) {unknown[:10]} in {name} contain out-of-vocab token ids. "
            f"Vocabulary size: {vocab_size}",
            name,
        )
