"""Turns text into token ids and back, as transformers' fast tokenizer does. Knows no requests and no streams.

transformers itself stays out: it would bring torch along. What it adds to `tokenizers` when it loads
a folder (missing special tokens, flags, clean-up of spaces) is done here, and tests hold the two equal.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import AddedToken
from tokenizers import Tokenizer as Backend
from tokenizers.decoders import Decoder

from penstock.frontend.text.errors import TextError
from penstock.frontend.text.token_bytes import DecodePlan, TokenBytes, plan
from penstock.frontend.text.tokenizer_config import TokenizerConfig
from penstock.protocol.errors import ModelError

_LONG = 512
"""Tokens from which on a hand-over between threads costs less than it saves."""
_CLEANED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class Tokenizer:
    """One model's tokenizer. Nothing changes after loading, so threads may share it.

    Long texts belong in a thread: the batch methods of `tokenizers` let other threads run meanwhile,
    `encode` and `decode` do not.
    """

    def __init__(self, backend: Backend, config: TokenizerConfig | None = None) -> None:
        self.config = config or TokenizerConfig()
        self._backend = backend
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = self.config.split_special_tokens
        _add_missing(backend, self.config)
        self.added_tokens = backend.get_added_tokens_decoder()
        self.special_ids = frozenset(i for i, t in self.added_tokens.items() if t.special)
        self._tables: dict[frozenset[int], TokenBytes] = {}

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """Raises ModelError when the folder has no readable tokenizer.json."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"{folder} has no tokenizer.json. {_how_to_make_one(folder)}")
        config = TokenizerConfig.load(folder)
        try:
            backend = Backend.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exceptions
            raise ModelError(f"{path} cannot be read: {error}") from error
        return cls(backend, config)

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Raises TextError for text that UTF-8 cannot hold."""
        try:
            [encoding] = self._backend.encode_batch_fast(
                [text], add_special_tokens=add_special_tokens
            )
        except TypeError as error:
            raise TextError("the text holds a lone surrogate, which no tokenizer takes") from error
        return encoding.ids

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        if len(ids) < _LONG:
            text = self._backend.decode(ids, skip_special_tokens=skip_special_tokens)
        else:
            [text] = self._backend.decode_batch([ids], skip_special_tokens=skip_special_tokens)
        return _clean_up(text) if self.cleans_up else text

    def token_id(self, name: str) -> int | None:
        return self._backend.token_to_id(name)

    def token_name(self, token_id: int) -> str | None:
        """The vocabulary's own spelling (`Ġhello`), None beyond the vocabulary."""
        return self._backend.id_to_token(token_id)

    def token_text(self, token_id: int) -> str:
        """What the token alone reads as; bytes that are no character show as U+FFFD."""
        return self.token_bytes(token_id).decode(errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """Exactly what the token adds to a text, its leading space included."""
        return self.all_bytes[token_id]

    @cached_property
    def plan(self) -> DecodePlan | None:
        """How the bytes of tokens add up to text; None when only the whole decoder can tell."""
        return None if self.cleans_up else plan(_decoder_of(self._backend))

    @cached_property
    def all_bytes(self) -> TokenBytes:
        return self.bytes_hiding(frozenset())

    @cached_property
    def shown_bytes(self) -> TokenBytes:
        """As `all_bytes`, with special tokens empty."""
        return self.bytes_hiding(self.special_ids)

    @cached_property
    def cleans_up(self) -> bool:
        is_bpe = type(self._backend.model).__name__ == "BPE"
        return self.config.clean_up and (self.config.clean_up_bpe or not is_bpe)

    @cached_property
    def vocab_size(self) -> int:
        """With the added tokens."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    @property
    def max_length(self) -> int | None:
        return self.config.max_length

    @cached_property
    def added_ids(self) -> dict[str, int]:
        """Of the added tokens, special or not, by what they spell."""
        return {token.content: token_id for token_id, token in self.added_tokens.items()}

    @property
    def bos_token(self) -> str | None:
        return self.special_tokens.get("bos_token")

    @property
    def eos_token(self) -> str | None:
        return self.special_tokens.get("eos_token")

    @cached_property
    def special_tokens(self) -> dict[str, str]:
        """By name (`bos_token`, ...), as chat templates see them."""
        return {name: token.content for name, token in self.config.named.items()}

    @cached_property
    def adds_bos(self) -> bool:
        """Whether `encode` begins a text with the BOS token, as the post-processor decides."""
        bos = self.bos_token
        return bos is not None and self.encode("")[:1] == [self.token_id(bos)]

    def bytes_hiding(self, hidden: frozenset[int]) -> TokenBytes:
        """As `all_bytes`, with these tokens empty; one table for each such set, and there are few."""
        table = self._tables.get(hidden)
        if table is None:
            plain = self.plan
            to_bytes = plain.to_bytes if plain else _bytes_behind_a_word(self._backend.decoder)
            table = self._tables[hidden] = TokenBytes(self.token_name, to_bytes, hidden)
        return table


def _bytes_behind_a_word(decoder: Decoder | None) -> Callable[[str], bytes]:
    """For decoders without a table: what a token adds in the middle of a text."""

    def to_bytes(name: str) -> bytes:
        if decoder is None:
            return name.encode()
        return decoder.decode(["a", name]).removeprefix(decoder.decode(["a"])).encode()

    return to_bytes


def _decoder_of(backend: Backend) -> dict[str, Any] | None:
    """The "decoder" of tokenizer.json. `to_str` would write out the whole vocabulary for it."""
    decoder = backend.decoder
    return msgspec.json.decode(decoder.__getstate__()) if decoder is not None else None


def _add_missing(backend: Backend, config: TokenizerConfig) -> None:
    """Adds what the files beside tokenizer.json name and it lacks, with transformers' idea of "lacks"."""
    present = backend.get_added_tokens_decoder().values()
    known = {repr(token) for token in present}
    names = {token.content for token in present}
    missing = [token for token in config.with_ids if repr(token) not in known]
    names.update(token.content for token in missing)
    for token in (*config.named.values(), *config.extra):
        if token.content not in names:
            names.add(token.content)
            missing.append(token)
    backend.add_tokens([_as_special(token, config) for token in missing])


def _as_special(token: AddedToken, config: TokenizerConfig) -> AddedToken:
    token.special = token.special or token.content in {t.content for t in config.named.values()}
    return token


def _clean_up(text: str) -> str:
    for spaced, tight in _CLEANED:
        text = text.replace(spaced, tight)
    return text


def _how_to_make_one(folder: Path) -> str:
    return (
        "Make one where transformers (and sentencepiece, for old checkpoints) is installed: "
        'python -c "from transformers import AutoTokenizer; '
        f"AutoTokenizer.from_pretrained('{folder}').save_pretrained('{folder}')\""
    )
