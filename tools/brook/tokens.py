"""The byte-level BPE tokenizer: how it is trained and how a chat becomes ids. Knows no model."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from .chat import Chat, pieces, render

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKS = (
    "<tool_call>", "</tool_call>", "<tools>", "</tools>", "<tool_response>", "</tool_response>", "<think>", "</think>",
)  # fmt: skip
# A capital, a digit or a Han character never swallows the space before it, so that a name has the
# same tokens after a space, after a quotation mark and at the start of a line: copying needs that.
SPLIT = (
    r" ?I(?!\p{L})| ?\p{Ll}+(?:'\p{Ll}+)?|\p{Lu}\p{Ll}*|\p{Han}|\p{L}|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
)


def learn(chats: Iterable[Chat], size: int) -> Tokenizer:
    """Train a tokenizer of the given size on the chats' text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(MARKS),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((plain(chat) for chat in chats), trainer)
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    return tokenizer


def plain(chat: Chat) -> str:
    """A chat's text without the tokens that are added whole."""
    text = render(chat.messages, chat.tools)
    for token in SPECIAL + MARKS:
        text = text.replace(token, "")
    return text


@dataclass(frozen=True)
class Encoded:
    """A chat's ids; `learned[i]` says whether the model should produce ids[i]."""

    ids: list[int]
    learned: list[bool]


def encode(tokenizer: Tokenizer, chat: Chat) -> Encoded:
    """A chat's ids; they are those of its whole text, for pieces meet only at added tokens
    or after line breaks that nothing merges with."""
    ids: list[int] = []
    learned: list[bool] = []
    for piece in pieces(chat.messages, chat.tools):
        new = tokenizer.encode(piece.text, add_special_tokens=False).ids
        ids += new
        learned += [piece.learned] * len(new)
    return Encoded(ids, learned)
