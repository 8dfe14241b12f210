"""Turns a stream of output tokens into text, piece by piece. Knows no stop strings and no requests.

The text of an output is what follows the prompt's text when both are decoded as one, so

    text(prompt) + text(output) == tokenizer.decode(prompt + output)

with one convention: a character whose first bytes are the prompt's last belongs to the output.
That is why the space before a sentencepiece output stays where a prompt with any text precedes it, and
goes where none does. However the ids are cut into pushes, the pieces with `flush` make the same text.

Bytes that are no UTF-8 become U+FFFD as Python and Rust agree to do it, one for each maximal broken part.
The sentencepiece decoder differs there: it turns a whole run of byte tokens into U+FFFD when the run
breaks anywhere, even the characters before the break. Those have been sent by then, so they stay.
"""

from codecs import utf_8_decode
from collections.abc import Sequence
from typing import Protocol

from penstock.frontend.text.tokenizer import Tokenizer

_REPLACEMENT = "\ufffd"
_WINDOW = 8  # tokens: more than any character has bytes


class Detokenizer(Protocol):
    """What a text stream needs to know of the classes below."""

    def push(self, ids: Sequence[int]) -> str:
        """The text that these tokens complete; never a part of a character."""
        ...

    def flush(self) -> str:
        """What was held back, at the end of the output."""
        ...


def detokenizer(
    tokenizer: Tokenizer,
    prompt_ids: Sequence[int] = (),
    *,
    skip_special_tokens: bool = True,
    spaces_between_special_tokens: bool = True,
    shown_ids: frozenset[int] = frozenset(),
) -> Detokenizer:
    """The right kind for this tokenizer. `spaces_between_special_tokens` matters to few (`Windowed`).

    `shown_ids` are special tokens that mean something to whoever reads the text: they are never skipped.
    """
    hidden = tokenizer.special_ids - shown_ids if skip_special_tokens else frozenset[int]()
    if tokenizer.plan is not None:
        return ByBytes(tokenizer, prompt_ids, hidden)
    spaces = spaces_between_special_tokens or skip_special_tokens
    return Windowed(tokenizer, prompt_ids, hidden, spaces)


class Silent:
    """For requests that want token ids alone."""

    def push(self, ids: Sequence[int]) -> str:
        return ""

    def flush(self) -> str:
        return ""


class ByBytes:
    """Adds up the bytes of the tokens and decodes what is whole."""

    def __init__(
        self, tokenizer: Tokenizer, prompt_ids: Sequence[int], hidden: frozenset[int]
    ) -> None:
        assert tokenizer.plan is not None
        self._table = tokenizer.bytes_hiding(hidden)
        self._torn = _torn_tail(self._table, prompt_ids)
        at_start = not any(map(self._table.__getitem__, prompt_ids))
        self._spaces_to_strip = tokenizer.plan.leading_spaces if at_start else 0

    def push(self, ids: Sequence[int]) -> str:
        table = self._table
        data = self._torn + (
            table[ids[0]] if len(ids) == 1 else b"".join([table[token_id] for token_id in ids])
        )
        text, used = utf_8_decode(data, "replace", False)
        self._torn = data[used:]
        return self._strip(text) if self._spaces_to_strip else text

    def flush(self) -> str:
        text, _ = utf_8_decode(self._torn, "replace", True)
        self._torn = b""
        return text

    def _strip(self, text: str) -> str:
        while self._spaces_to_strip and text:
            if text[0] != " ":
                self._spaces_to_strip = 0
            else:
                self._spaces_to_strip -= 1
                text = text[1:]
        return text


def _torn_tail(table: dict[int, bytes], ids: Sequence[int]) -> bytes:
    """The bytes of an unfinished character at the end, at most three."""
    tail = b""
    for token_id in reversed(ids):
        tail = table[token_id] + tail
        if len(tail) >= 4:
            break
    _, used = utf_8_decode(tail[-4:], "replace", False)
    return tail[-4:][used:]


class Windowed:
    """For decoders where a token's text depends on its neighbours: decodes a few tokens again and again.

    A character is whole when the text no longer ends in U+FFFD; the window then moves on. It also does
    when it is full: what is still no character will never be one.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        prompt_ids: Sequence[int],
        hidden: frozenset[int],
        spaces: bool,
    ) -> None:
        self._tokenizer = tokenizer
        self._spaces = spaces
        self._hidden = hidden
        self._window = [i for i in prompt_ids if i not in self._hidden][-_WINDOW:]
        self._num_shown = len(self._window)
        self._after_added = False

    def push(self, ids: Sequence[int]) -> str:
        return "".join([self._push_one(token_id) for token_id in ids])

    def flush(self) -> str:
        text = self._unshown()
        self._window, self._num_shown = [], 0
        return text

    def _push_one(self, token_id: int) -> str:
        if token_id in self._hidden:
            return ""
        self._window.append(token_id)
        text = self._unshown()
        if self._may_grow() and (not text or text.endswith(_REPLACEMENT)):
            return ""
        self._window = self._window[self._num_shown :]
        self._num_shown = len(self._window)
        return text if self._spaces else self._without_space(token_id, text)

    def _may_grow(self) -> bool:
        return len(self._window) - self._num_shown < _WINDOW

    def _unshown(self) -> str:
        before = self._decode(self._window[: self._num_shown])
        return self._decode(self._window)[len(before) :]

    def _without_space(self, token_id: int, text: str) -> str:
        """Added tokens in a row are shown as they are spelled."""
        added = self._tokenizer.added_tokens.get(token_id)
        in_a_row, self._after_added = self._after_added and added is not None, added is not None
        return added.content if added is not None and in_a_row else text

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)  # the hidden never come here
