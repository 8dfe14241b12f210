"""What all chunks of a completion share, and the answer whole. Knows one request, not how it is sent."""

import time

from msgspec import UNSET
from msgspec.structs import replace

from penstock.frontend.api.completion_request import CompletionRequest, scores_only
from penstock.frontend.api.completion_shapes import CompletionAnswer, CompletionChoice
from penstock.frontend.api.shapes import Tally
from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.services import Services
from penstock.frontend.text import logprobs
from penstock.frontend.text.logprobs import CompletionWriter, TokenNames


class CompletionRun:
    """One request for completions on its way out."""

    def __init__(self, body: CompletionRequest, valid: ValidRequest, services: Services) -> None:
        self.id = valid.answer_id
        self.created = int(time.time())
        self.model = services.model
        self.tally = Tally(valid)
        self.echoes = bool(body.echo)
        self.scores_only = scores_only(body)
        self.shows_ids = bool(body.return_token_ids)
        self.shows_prompt_text = bool(body.return_prompt_text)
        self.shows_logprobs = body.logprobs is not None
        self.shows_prompt_logprobs = body.prompt_logprobs is not None
        self.names = TokenNames(services.tokenizer, bool(body.return_tokens_as_token_ids))
        self.num_top = logprobs.ALL if body.logprob_token_ids else body.logprobs or 0
        self.is_plain = not (
            self.shows_ids or self.shows_logprobs or self.echoes or self.shows_prompt_text
        )
        self.voices = [
            _ChoiceVoice(self, index * valid.n + i, prompt)
            for index, prompt in enumerate(valid.prompts)
            for i in range(valid.n)
        ]

    def prompt_text(self, prompt: ValidPrompt) -> str:
        if prompt.text is not None:
            return prompt.text
        return self.names.tokenizer.decode(prompt.ids)

    def add(self, piece: Piece) -> CompletionChoice:
        """What the piece says, as a part of its choice."""
        if self.scores_only:
            piece = replace(piece, text="", num_tokens=0, stop_reason=None)
            if piece.finish_reason is not None:
                piece = replace(piece, finish_reason="length")
        self.tally.add(piece)
        return self.voices[piece.choice].say(piece)


class _ChoiceVoice:
    """Shapes the pieces of one choice; remembers what was said of its prompt."""

    def __init__(self, run: CompletionRun, index: int, prompt: ValidPrompt) -> None:
        self._run = run
        self._index = index
        self._prompt = prompt
        self._is_first = True
        self._writer = CompletionWriter(run.names, run.num_top)

    def say(self, piece: Piece) -> CompletionChoice:
        choice = CompletionChoice(index=self._index, text=piece.text)
        if self._is_first:
            self._is_first = False
            self._introduce(choice)
        if self._run.shows_logprobs:
            self._add_logprobs(piece)
            choice.logprobs = self._writer.take()
        if self._run.shows_ids:
            choice.token_ids = piece.token_ids
        self._add_prompt_logprobs(choice, piece)
        if piece.finish_reason is not None:
            choice.finish_reason, choice.stop_reason = piece.finish_reason, piece.stop_reason
        return choice

    def _introduce(self, choice: CompletionChoice) -> None:
        run, prompt = self._run, self._prompt
        if run.echoes:
            choice.text = run.prompt_text(prompt) + choice.text
            self._writer.add_unscored(prompt.ids[0])
        if run.shows_ids:
            choice.prompt_token_ids = prompt.ids
        if run.shows_prompt_text:
            choice.prompt_text = run.prompt_text(prompt)
        if run.shows_prompt_logprobs:
            choice.prompt_logprobs = [None]

    def _add_logprobs(self, piece: Piece) -> None:
        update = piece.update
        if self._run.echoes and update.prompt_logprobs is not None:
            self._writer.add(update.prompt_logprobs)
        if update.logprobs is not None:
            self._writer.add(update.logprobs, piece.num_tokens)

    def _add_prompt_logprobs(self, choice: CompletionChoice, piece: Piece) -> None:
        found = piece.update.prompt_logprobs
        if self._run.shows_prompt_logprobs and found is not None:
            known = choice.prompt_logprobs or []
            choice.prompt_logprobs = known + logprobs.prompt_logprobs(found, self._run.names)


class CompletionCollector:
    """Puts pieces together again, for those who do not stream."""

    def __init__(self, run: CompletionRun) -> None:
        self._run = run
        self._parts: list[list[CompletionChoice]] = [[] for _ in run.voices]

    def add(self, piece: Piece) -> None:
        self._parts[piece.choice].append(self._run.add(piece))

    def answer(self) -> CompletionAnswer:
        run = self._run
        return CompletionAnswer(
            id=run.id,
            created=run.created,
            model=run.model,
            choices=[_joined(parts) for parts in self._parts],
            usage=run.tally.usage(),
        )


def _joined(parts: list[CompletionChoice]) -> CompletionChoice:
    whole, last = parts[0], parts[-1]
    for part in parts[1:]:
        _extend(whole, part)
    whole.text = "".join([part.text for part in parts])
    whole.finish_reason, whole.stop_reason = last.finish_reason, last.stop_reason
    return whole


def _extend(known: CompletionChoice, said: CompletionChoice) -> None:
    if known.logprobs is not None and said.logprobs is not None:
        for name in known.logprobs.__struct_fields__:
            getattr(known.logprobs, name).extend(getattr(said.logprobs, name))
    if known.token_ids is not UNSET and said.token_ids is not UNSET:
        known.token_ids += said.token_ids
    if known.prompt_logprobs is not UNSET and said.prompt_logprobs is not UNSET:
        known.prompt_logprobs += said.prompt_logprobs
