"""Log probabilities in the shapes that clients know. Does not know where they come from nor how they travel on."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol import token_ids
from penstock.protocol.messages import TokenLogprobs

_FLOOR = -9999.0
"""Stands for -inf and NaN, which JSON cannot hold."""
ALL = -1


class Row(NamedTuple):
    """One position: column 0 is its token, the others are the likeliest (or the requested) ones."""

    ids: list[int]
    values: list[float]
    rank: int


class TokenNames(msgspec.Struct, frozen=True):
    """How tokens are spelled to this client."""

    tokenizer: Tokenizer
    as_ids: bool = False
    """`token_id:123` in place of the text (return_tokens_as_token_ids)."""

    def __call__(self, token_id: int) -> str:
        return f"token_id:{token_id}" if self.as_ids else self.tokenizer.token_text(token_id)


class TopLogprob(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int]


class ChatLogprob(msgspec.Struct):
    """An entry of chat's `logprobs.content`."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopLogprob]


class CompletionLogprobs(msgspec.Struct):
    """The `logprobs` of a completion choice."""

    text_offset: list[int] = []
    token_logprobs: list[float | None] = []
    tokens: list[str] = []
    top_logprobs: list[dict[str, float] | None] = []


class PromptLogprob(msgspec.Struct):
    """A value in vLLM's `prompt_logprobs`."""

    logprob: float
    rank: int | None
    decoded_token: str


def rows(logprobs: TokenLogprobs, limit: int | None = None) -> Iterator[Row]:
    """The positions in order, at most `limit` of them."""
    ids = token_ids.unpack(logprobs.ids)
    values = array("f")
    values.frombytes(logprobs.values)
    ranks = token_ids.unpack(logprobs.ranks)
    width = logprobs.width
    for n, rank in enumerate(ranks[:limit]):
        columns = slice(n * width, (n + 1) * width)
        yield Row(ids[columns], [_finite(value) for value in values[columns]], rank)


def chat_logprobs(
    logprobs: TokenLogprobs, names: TokenNames, num_top: int, limit: int | None = None
) -> list[ChatLogprob]:
    """`num_top` entries of top_logprobs per token, ALL for as many as came. `limit` cuts at a stop string."""
    return [_chat_entry(row, names, num_top) for row in rows(logprobs, limit)]


def prompt_logprobs(logprobs: TokenLogprobs, names: TokenNames) -> list[dict[int, PromptLogprob]]:
    """From the prompt's second token on; the first has none, vLLM's list begins with null for it."""
    return [_prompt_entry(row, names) for row in rows(logprobs)]


class CompletionWriter:
    """Writes completion logprobs piece by piece; `text_offset` runs on from one piece to the next."""

    def __init__(self, names: TokenNames, num_top: int, text_offset: int = 0) -> None:
        self._names = names
        self._num_top = num_top
        self._offset = text_offset
        self._piece = CompletionLogprobs()

    def add(self, logprobs: TokenLogprobs, limit: int | None = None) -> None:
        for row in rows(logprobs, limit):
            self._add(self._names(row.ids[0]), row.values[0], self._top(row))

    def add_unscored(self, token_id: int) -> None:
        """A token without a log probability: the first of an echoed prompt."""
        self._add(self._names(token_id), None, None)

    def take(self) -> CompletionLogprobs:
        """What was added since the last take."""
        piece, self._piece = self._piece, CompletionLogprobs()
        return piece

    def _add(self, token: str, logprob: float | None, top: dict[str, float] | None) -> None:
        self._piece.text_offset.append(self._offset)
        self._piece.token_logprobs.append(logprob)
        self._piece.tokens.append(token)
        self._piece.top_logprobs.append(top)
        self._offset += len(token)

    def _top(self, row: Row) -> dict[str, float]:
        """The token itself is always in. Of tokens that read alike the likeliest counts."""
        end = None if self._num_top == ALL else self._num_top + 1
        top: dict[str, float] = {}
        for token_id, value in zip(row.ids[:end], row.values[:end], strict=True):
            top.setdefault(self._names(token_id), value)
        return top


def _chat_entry(row: Row, names: TokenNames, num_top: int) -> ChatLogprob:
    end = None if num_top == ALL else num_top + 1
    top = [
        TopLogprob(names(token_id), value, list(names.tokenizer.token_bytes(token_id)))
        for token_id, value in zip(row.ids[1:end], row.values[1:end], strict=True)
    ]
    token_id = row.ids[0]
    own_bytes = list(names.tokenizer.token_bytes(token_id))
    return ChatLogprob(names(token_id), row.values[0], own_bytes, top)


def _prompt_entry(row: Row, names: TokenNames) -> dict[int, PromptLogprob]:
    ranks = [row.rank, *range(1, len(row.ids))]
    return {
        token_id: PromptLogprob(value, rank, names(token_id))
        for token_id, value, rank in zip(row.ids, row.values, ranks, strict=True)
    }


def _finite(value: float) -> float:
    return max(_FLOOR, value)  # in this order NaN gives the floor too
