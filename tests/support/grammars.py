"""Brook's tokens and answers drawn at random within a constraint. Knows the grammar room, no model."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import penstock
from penstock.protocol.constraint import Constraint, Thinking
from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.guide import Guide, ThinkingGuide
from penstock.workers.grammar.language import grammar_of
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.matcher import Matcher, compile_grammar
from penstock.workers.grammar.thinking import ThinkingTracker
from penstock.workers.grammar.vocabulary import Vocabulary, load_vocabulary

TOKENIZER = Path(penstock.__file__).parent / "brook" / "tokenizer.json"
VOCAB_SIZE = 3072
EOS = (2, 0)
BROOK = load_vocabulary(TOKENIZER, VOCAB_SIZE)


def constrained(constraint: Constraint, max_tokens: int = 400, **fields: object) -> SamplingParams:
    return SamplingParams(max_tokens, constraint=constraint, eos_token_ids=EOS, **fields)  # type: ignore[arg-type]


def matcher_of(constraint: Constraint, vocabulary: Vocabulary = BROOK) -> Matcher:
    return Matcher(compile_grammar(vocabulary, grammar_of(constraint)), vocabulary, EOS)


def guide_of(constraint: Constraint | None, thinking: Thinking) -> ThinkingGuide:
    matcher = matcher_of(constraint) if constraint else None
    return ThinkingGuide(matcher, ThinkingTracker(thinking, BROOK.bytes_of), EOS)


def ids_of(text: str) -> list[int]:
    return BROOK.tokenizer.tokenize_str(text)


def text_of(ids: list[int]) -> str:
    return BROOK.tokenizer.decode_bytes([i for i in ids if i not in EOS]).decode(errors="replace")


def allowed(guide: Guide) -> list[int]:
    """What may follow; all tokens where there is no mask."""
    row = MaskRow(np.zeros(BROOK.num_words, dtype=np.uint32))
    return row.tokens() if guide.fill(row) else list(range(VOCAB_SIZE))


def drawn(guide: Guide, seed: int, most: int = 400) -> Iterator[int]:
    """A random answer, up to the token that ends it; shy of blanks and of going on, as models are."""
    dice = random.Random(seed)
    for _ in range(most):
        tokens = allowed(guide)
        ends = [token for token in tokens if token in EOS]
        token = dice.choice(ends or tokens)
        guide.push(token)
        yield token
        if token in EOS:
            return


def takes(constraint: Constraint, text: str) -> bool:
    """Whether the whole text matches, in some spelling: where it is forced, only one is allowed."""
    matcher, rest = matcher_of(constraint), text.encode()
    while rest:
        fitting = [i for i in allowed(matcher) if rest.startswith(BROOK.bytes_of(i) or b"\0")]
        if not fitting:
            return False
        token = max(fitting, key=lambda i: len(BROOK.bytes_of(i)))
        matcher.push(token)
        rest = rest.removeprefix(BROOK.bytes_of(token))
    return not {*EOS}.isdisjoint(allowed(matcher))
