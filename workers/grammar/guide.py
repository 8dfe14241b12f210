"""Which tokens one sequence may say next: its thinking first, then its constraint. Knows no slots and no threads."""

from collections.abc import Collection

from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.matcher import Matcher, Words, clear_bits, set_bits
from penstock.workers.grammar.thinking import Phase, ThinkingTracker

ALL = 0xFFFFFFFF


class Guide:
    """`push` each token that was sampled, `fill` a mask for the next. At least one of both parts is there."""

    def __init__(
        self, matcher: Matcher | None, thinking: ThinkingTracker | None, eos: Collection[int]
    ) -> None:
        assert matcher or thinking
        self._matcher = matcher
        self._thinking = thinking
        self._eos = tuple(eos)
        self._fits = True

    @property
    def phase(self) -> Phase:
        return self._thinking.phase if self._thinking else Phase.ANSWERING

    def push(self, token: int) -> None:
        """Raises GrammarError."""
        before = self.phase
        if before is Phase.ANSWERING:
            if self._matcher:
                self._matcher.push(token)
            return
        assert self._thinking
        self._thinking.push(token)
        if before is Phase.OPENING and self._matcher:
            self._open(self._matcher, token)
        elif self._matcher and self._thinking.rest.strip():
            self._matcher.push_text(self._thinking.rest.lstrip())

    def _open(self, matcher: Matcher, token: int) -> None:
        """What may become the thinking's start may be an answer, too, until it is complete."""
        self._fits = self._fits and matcher.could_push(token)
        if self.phase is Phase.ANSWERING and not self._fits:
            raise GrammarError("the answer began as if to think, and then did not")
        if self.phase in (Phase.INSIDE, Phase.CLOSING):
            matcher.restart()

    def fill(self, words: Words) -> bool:
        """Whether there is a mask at all. Raises GrammarError."""
        match self.phase:
            case Phase.ANSWERING:
                return self._fill_answer(words)
            case Phase.OPENING:
                return self._fill_opening(words)
            case Phase.INSIDE:
                return self._fill_inside(words)
            case Phase.CLOSING:
                words.fill(0)
                self._expect(words)
                return True

    def _fill_answer(self, words: Words) -> bool:
        if self._matcher:
            self._matcher.fill(words)
        return self._matcher is not None

    def _fill_opening(self, words: Words) -> bool:
        if not self._matcher:
            return False
        if self._fits:
            self._matcher.fill(words)
        else:
            words.fill(0)
        self._expect(words)
        return True

    def _fill_inside(self, words: Words) -> bool:
        """An answer that ended within its thinking would not match."""
        if not self._matcher:
            return False
        words.fill(ALL)
        clear_bits(words, self._eos)
        return True

    def _expect(self, words: Words) -> None:
        assert self._thinking
        set_bits(words, (self._thinking.expected,))


def make_guide(params: SamplingParams, compiler: Compiler) -> Guide:
    """For an answer that is about to begin. Waits for what it needs. Raises GrammarError."""
    vocabulary, eos = compiler.vocabulary(), params.eos_token_ids
    matcher, thinking = None, None
    if params.constraint is not None:
        matcher = Matcher(compiler.compiled(params.constraint), vocabulary, eos)
    if params.thinking is not None:
        thinking = ThinkingTracker(params.thinking, vocabulary.bytes_of)
    return Guide(matcher, thinking, eos)
