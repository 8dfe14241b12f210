"""The model's tokens as the grammar engine sees them. Knows one tokenizer.json, no grammar."""

from pathlib import Path

import msgspec
from llguidance import LLTokenizer

from penstock.workers.grammar.errors import GrammarError

SLICES = (
    *LLTokenizer.general_slices(),
    "[a-z]{1,10}",
    "[a-z ]{1,10}",
    "[A-Za-z]{1,10}",
    "[A-Za-z0-9_]{1,10}",
)
"""Kinds of tokens whose masks are made ahead: where a place allows all of a kind, its tokens are not looked at.

The general ones are those of JSON's strings. With the plain letters' too, a mask for `[a-z ]+` takes 84 us
instead of 195 at 152k tokens, for a name 90 instead of 167; what a schema's takes stays as it was.
"""


class _AddedToken(msgspec.Struct):
    id: int
    special: bool = False


class _TokenizerFile(msgspec.Struct):
    added_tokens: list[_AddedToken] = []


class Vocabulary:
    """`end` is the token that means the end to the grammar engine, whatever ends a request.

    Requests have end tokens of their own, so it is a stand-in: a special token, which no text can spell.
    """

    def __init__(self, tokenizer: LLTokenizer, end: int) -> None:
        self.tokenizer = tokenizer
        self.end = end
        self.num_words = -(-tokenizer.vocab_size // 32)
        """32-bit words of a mask: a bit for each token, from the lowest on."""

    def bytes_of(self, token: int) -> bytes:
        return self.tokenizer.decode_bytes([token])


def load_vocabulary(tokenizer_file: Path, vocab_size: int) -> Vocabulary:
    """Takes 0.6 s for 152,000 tokens, with the GIL held.

    Raises GrammarError for tokenizers that the grammar engine cannot use.
    """
    try:
        data = tokenizer_file.read_bytes()
        end = _special(msgspec.json.decode(data, type=_TokenizerFile))
        return Vocabulary(_tokenizer(data.decode(), vocab_size, end), end)
    except (OSError, ValueError) as error:
        raise GrammarError(
            f"this model's tokenizer does not allow structured output: {error}"
        ) from error


def _tokenizer(text: str, vocab_size: int, end: int) -> LLTokenizer:
    """A bit for each logit, and for each token where the tokenizer knows more of them than the model."""
    try:
        return LLTokenizer(text, vocab_size, end, [*SLICES])
    except ValueError:
        return LLTokenizer(text, None, end, [*SLICES])


def _special(file: _TokenizerFile) -> int:
    end = next((token.id for token in file.added_tokens if token.special), None)
    if end is None:
        raise GrammarError("this model's tokenizer has no special token to end an answer with")
    return end
