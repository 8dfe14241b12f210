"""Which tokens one sequence may say next: its thinking first, then its constraint. Knows no slots and no threads."""

from collections.abc import Collection
from typing import Protocol

from penstock.protocol.sampling import SamplingParams
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.matcher import Matcher
from penstock.workers.grammar.thinking import Phase, ThinkingTracker


class Guide(Protocol):
    """A sequence's, from its first token of output on."""

    def push(self, token: int) -> None:
        """It was sampled. Raises GrammarError."""
        ...

    def take(self, token: int) -> bool:
        """Pushes it if it may come; else nothing has changed, and there is a mask. Raises GrammarError."""
        ...

    def fill(self, row: MaskRow) -> bool:
        """For the next token; whether there is a mask at all. Raises GrammarError."""
        ...


class ThinkingGuide:
    """Thinking, then what `matcher` allows; or then anything, where there is none."""

    def __init__(
        self, matcher: Matcher | None, thinking: ThinkingTracker, eos: Collection[int]
    ) -> None:
        self._matcher = matcher
        self._thinking = thinking
        self._eos = tuple(eos)
        self._fits = True

    @property
    def phase(self) -> Phase:
        return self._thinking.phase

    def push(self, token: int) -> None:
        """See `Guide`."""
        before = self.phase
        self._thinking.push(token)
        if not self._matcher:
            return
        if before is Phase.ANSWERING:
            self._matcher.push(token)
        elif before is Phase.OPENING:
            self._open(self._matcher, token)
        elif self.phase in (Phase.OPENING, Phase.ANSWERING):
            self._begin(self._matcher)

    def take(self, token: int) -> bool:
        """See `Guide`."""
        if self._matcher is not None and self.phase is Phase.ANSWERING:
            return self._matcher.take(token)
        may_come = self._allows(token)
        if may_come:
            self.push(token)
        return may_come

    def _allows(self, token: int) -> bool:
        """Before the answer, or where it is free."""
        match self.phase:
            case Phase.CLOSING:
                return token in self._thinking.expected
            case Phase.INSIDE:
                return self._matcher is None or token not in self._eos
            case Phase.OPENING if self._matcher is not None:
                fits = self._fits and self._matcher.allows(token)
                return fits or token in self._thinking.expected
            case _:
                return True

    def _begin(self, matcher: Matcher) -> None:
        """With what was said of the answer together with the thinking's end."""
        for token in self._thinking.begun:
            matcher.push(token)
        rest = self._thinking.rest if self._thinking.begun else self._thinking.rest.lstrip()
        if rest:
            matcher.push_text(rest)

    def _open(self, matcher: Matcher, token: int) -> None:
        """What may become the thinking's start may be an answer, too, until it is complete."""
        if token in self._eos:
            matcher.push(token)
            return
        self._fits = self._fits and matcher.take(token)
        if self.phase is Phase.ANSWERING and not self._fits:
            raise GrammarError("the answer began as if to think, and then did not")
        if self.phase in (Phase.INSIDE, Phase.CLOSING) or self._thinking.is_prefaced:
            matcher.restart()
            self._fits = True

    def fill(self, row: MaskRow) -> bool:
        """See `Guide`."""
        match self.phase:
            case Phase.ANSWERING:
                return self._matcher is not None and self._matcher.fill(row)
            case Phase.OPENING:
                return self._fill_opening(row)
            case Phase.INSIDE:
                return self._fill_inside(row)
            case Phase.CLOSING:
                row.allow_none()
                row.allow(self._thinking.expected)
                return True

    def _fill_opening(self, row: MaskRow) -> bool:
        if not self._matcher:
            return False
        if self._fits:
            self._matcher.fill(row)
        else:
            row.allow_none()
        row.allow(self._thinking.expected)
        return True

    def _fill_inside(self, row: MaskRow) -> bool:
        """An answer that ended within its thinking would not match."""
        if not self._matcher:
            return False
        row.allow_all()
        row.forbid(self._eos)
        return True


def make_guide(params: SamplingParams, compiler: Compiler) -> Guide:
    """For an answer that is about to begin. Waits for what it needs. Raises GrammarError."""
    vocabulary, eos, matcher = compiler.vocabulary(), params.eos_token_ids, None
    if params.constraint is not None:
        matcher = Matcher(compiler.compiled(params.constraint), vocabulary, eos)
    if params.thinking is None:
        assert matcher, "a sequence without a constraint or thinking needs no guide"
        return matcher
    return ThinkingGuide(matcher, ThinkingTracker(params.thinking, vocabulary.bytes_of), eos)
