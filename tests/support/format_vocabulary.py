"""Brook's tokens with a format's markers among them, and texts that a grammar lets through. Knows no server."""

import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import llguidance

import penstock
from penstock.frontend.formats import ToolFormat

FOLDER = Path(penstock.__file__).parent / "brook"
TOKENIZER = json.loads((FOLDER / "tokenizer.json").read_text("utf-8"))
NUM_IDS = 3072
TOKEN_IDS = {each["content"]: each["id"] for each in TOKENIZER["added_tokens"]}


class Vocabulary:
    """A format's markers are ordinary text, or tokens of their own."""

    def __init__(self, markers: Iterable[str]) -> None:
        wanted = [text for text in sorted(markers) if text not in TOKEN_IDS]
        added = [
            {**TOKENIZER["added_tokens"][0], "id": NUM_IDS + number, "content": text}
            for number, text in enumerate(wanted)
        ]
        tokens = [*TOKENIZER["added_tokens"], *added]
        self.ids = {each["content"]: each["id"] for each in tokens}
        text = json.dumps({**TOKENIZER, "added_tokens": tokens})
        self.tokenizer = llguidance.LLTokenizer(text, eos_token=TOKEN_IDS["<|im_end|>"])

    def compiled(self, grammar: str) -> llguidance.LLMatcher:
        found = llguidance.LLMatcher(self.tokenizer, grammar, log_level=0)
        assert not found.is_error(), found.get_error()
        return found

    def accepts(self, found: llguidance.LLMatcher, text: str) -> bool:
        ids = self.tokenizer.tokenize_str(text)
        return bool(found.try_consume_tokens(ids) == len(ids) and found.is_accepting())

    def spelled(self, text: str) -> list[int]:
        """Letter by letter, whatever tokens there are."""
        return [token for char in text for token in self.tokenizer.tokenize_str(char)]

    def walked(self, found: llguidance.LLMatcher, rng: random.Random, texts: Sequence[str]) -> str:
        """A text that the grammar lets through: random tokens, and pieces of these texts."""
        phrases = [
            self.tokenizer.tokenize_str(before + text) for text in texts for before in ("", "\n")
        ]
        ids: list[int] = []
        while not found.is_stopped() and not (found.is_accepting() and rng.random() < 0.5):
            phrase = rng.choice(phrases)
            phrase = phrase[rng.randrange(len(phrase)) :]
            phrase = phrase if rng.random() < 0.9 else [_some_token(found, rng)]
            ids += phrase[: found.try_consume_tokens(phrase)]
            assert not found.is_error(), found.get_error()
            assert len(ids) < 9000, self.tokenizer.decode_str(ids[-200:])
        return str(self.tokenizer.decode_str(ids)).removesuffix("<|im_end|>")


def with_markers(declared: ToolFormat | None) -> Vocabulary:
    """Where the format's markers are tokens, if one is given."""
    markers = declared.markers if declared else ()
    return Vocabulary(each for each in markers if re.fullmatch(r"<[^<>]+>|\[[A-Z_]+\]", each))


def pieces(declared: ToolFormat, written: str) -> list[str]:
    """What calls consist of: the format's markers, JSON's and Python's, and calls that are `written`."""
    return [*declared.markers, "\n", '"', "'", "}", "]", ",", "1", "true", written]


def _some_token(found: llguidance.LLMatcher, rng: random.Random) -> int:
    mask = int.from_bytes(found.compute_bitmask(), "little")
    num_bits = mask.bit_length()
    while True:
        token = rng.randrange(num_bits)
        if mask >> token & 1:
            return token
        if rng.random() < 0.01:
            return num_bits - 1
