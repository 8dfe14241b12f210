"""One answer against its grammar: takes tokens, tells which may follow. Knows no slots and no thinking."""

from collections.abc import Collection

from llguidance import LLMatcher, LLParserLimits

from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.vocabulary import Vocabulary


def _limits() -> LLParserLimits:
    return LLParserLimits(
        max_items_in_row=4000,
        initial_lexer_fuel=400_000,
        step_lexer_fuel=60_000,
        step_max_items=30_000,
        max_lexer_states=50_000,
        max_grammar_size=250_000,
        precompute_large_lexemes=True,
        verbose_errors=False,
    )


def compile_grammar(vocabulary: Vocabulary, grammar: str) -> LLMatcher:
    """Lets go of the GIL. Raises GrammarError."""
    matcher = LLMatcher(vocabulary.tokenizer, grammar, log_level=0, limits=_limits())
    _check(matcher)
    return matcher


class Matcher:
    """`eos` are the tokens that may end this answer."""

    def __init__(self, compiled: LLMatcher, vocabulary: Vocabulary, eos: Collection[int]) -> None:
        self._matcher = compiled.deep_copy()
        self._vocabulary = vocabulary
        self._end = vocabulary.end
        self._eos = frozenset(eos)
        self._has_ended = False

    def push(self, token: int) -> None:
        """Raises GrammarError for a token that no mask allowed."""
        if token in self._eos:
            self._has_ended = True
        elif not self._has_ended and not self._matcher.consume_token(token):
            _check(self._matcher)

    def take(self, token: int) -> bool:
        """Pushes it if it may come, which takes a tenth of a mask's time; else nothing has changed."""
        if self._has_ended or token in self._eos:
            self._has_ended = self._has_ended or self._matcher.is_accepting()
            return self._has_ended and token in self._eos
        return token != self._end and self._matcher.try_consume_tokens([token]) == 1

    def allows(self, token: int) -> bool:
        """Whether it may come."""
        if self._has_ended or token in self._eos:
            return token in self._eos and (self._has_ended or self._matcher.is_accepting())
        return token != self._end and self._matcher.validate_tokens([token]) == 1

    def push_text(self, text: bytes) -> None:
        """As if tokens had spelled it."""
        for token in self._vocabulary.tokenizer.tokenize_bytes(text):
            self.push(token)

    def restart(self) -> None:
        self._matcher.reset()
        self._has_ended = False

    def fill(self, row: MaskRow) -> bool:
        """There always is a mask. Raises GrammarError where it is empty, or takes too much work."""
        if self._has_ended:
            row.allow_none()
            row.allow(self._eos)
            return True
        self._matcher.unsafe_compute_mask_ptr(row.address, row.num_bytes)
        _check(self._matcher)
        if row.take(self._end):
            row.allow(self._eos)
        if row.is_empty():
            raise GrammarError("no token of this model can go on at some place")
        return True


def _check(matcher: LLMatcher) -> None:
    if matcher.is_error():
        raise GrammarError(matcher.get_error().replace("<non-verbose/>", "").strip())
