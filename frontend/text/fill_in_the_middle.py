"""Prompts for models that write what belongs between a prefix and a suffix. Knows token ids, not what is written.

A family of such models is one `FillInTheMiddle` declaration; a model is of the first family all of whose
markers are in its vocabulary.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from penstock.frontend.text.tokenizer import Tokenizer

Part = Literal["prefix", "suffix"]


class FillInTheMiddle(msgspec.Struct, frozen=True):
    """How one family of models wants it: markers, and what stands behind each."""

    layout: tuple[tuple[str, Part | None], ...]
    ends: tuple[str, ...] = ()
    """Tokens that end the middle, besides the model's own end of sequence; a vocabulary may lack some."""

    @property
    def markers(self) -> tuple[str, ...]:
        return tuple(marker for marker, _ in self.layout)


FAMILIES = (
    FillInTheMiddle(  # Qwen2.5-Coder and its kin, CodeGemma
        (("<|fim_prefix|>", "prefix"), ("<|fim_suffix|>", "suffix"), ("<|fim_middle|>", None)),
        ("<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|file_separator|>"),
    ),
    FillInTheMiddle(  # StarCoder, StarCoder2, Granite Code, Stable Code
        (("<fim_prefix>", "prefix"), ("<fim_suffix>", "suffix"), ("<fim_middle>", None)),
        ("<|endoftext|>", "<fim_pad>", "<file_sep>", "<filename>"),
    ),
    FillInTheMiddle(  # SantaCoder
        (("<fim-prefix>", "prefix"), ("<fim-suffix>", "suffix"), ("<fim-middle>", None)),
        ("<|endoftext|>", "<fim-pad>"),
    ),
    FillInTheMiddle(  # Code Llama
        (("▁<PRE>", "prefix"), ("▁<SUF>", "suffix"), ("▁<MID>", None)), ("▁<EOT>",)
    ),
    FillInTheMiddle(  # DeepSeek-Coder
        (("<｜fim▁begin｜>", "prefix"), ("<｜fim▁hole｜>", "suffix"), ("<｜fim▁end｜>", None)),
        ("<｜end▁of▁sentence｜>",),
    ),
    FillInTheMiddle((("[SUFFIX]", "suffix"), ("[PREFIX]", "prefix"))),  # Codestral
)


def detect(tokenizer: Tokenizer) -> FillInTheMiddle | None:
    """By the vocabulary alone; None for models that were not made for it."""
    for family in FAMILIES:
        if all(tokenizer.token_id(marker) is not None for marker in family.markers):
            return family
    return None


def prompt_ids(
    family: FillInTheMiddle, tokenizer: Tokenizer, prefix: Sequence[int], suffix: Sequence[int]
) -> list[int]:
    """`prefix` and `suffix` as encoded by themselves, without special tokens."""
    parts: dict[Part | None, Sequence[int]] = {"prefix": prefix, "suffix": suffix, None: ()}
    ids: list[int] = []
    for marker, part in family.layout:
        ids += [*_ids(tokenizer, (marker,)), *parts[part]]
    return ids


def end_ids(family: FillInTheMiddle, tokenizer: Tokenizer) -> tuple[int, ...]:
    return _ids(tokenizer, family.ends)


def _ids(tokenizer: Tokenizer, names: Sequence[str]) -> tuple[int, ...]:
    found = (tokenizer.token_id(name) for name in names)
    return tuple(token_id for token_id in found if token_id is not None)
