"""What all chunks of a chat answer share, and the answer whole. Knows one request, not how it is sent."""

import time
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.chat_shapes import AnswerMessage, ChatAnswer, ChatChoice, ChatLogprobs
from penstock.frontend.api.shapes import Tally
from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import Services
from penstock.frontend.text import logprobs
from penstock.frontend.text.chat_messages import text_of_part
from penstock.frontend.text.logprobs import ChatLogprob, PromptLogprob, TokenNames


class ChatRun:
    """One chat request on its way out."""

    def __init__(self, body: ChatRequest, valid: ValidRequest, services: Services) -> None:
        self.id = f"chatcmpl-{valid.name}"
        self.created = int(time.time())
        self.model = services.model
        self.role = _role(body, services.settings.response_role)
        self.num_choices = valid.num_choices
        self.prefix = _echoed(body, self.role)
        self.prompt_ids = valid.prompts[0].ids
        self.tally = Tally(valid)
        self.shows_ids = bool(body.return_token_ids)
        self.shows_logprobs = bool(body.logprobs)
        self.shows_prompt_logprobs = body.prompt_logprobs is not None
        self._num_top = logprobs.ALL if body.logprob_token_ids else body.top_logprobs or 0
        self._names = TokenNames(services.tokenizer, bool(body.return_tokens_as_token_ids))

    def logprobs(self, piece: Piece) -> list[ChatLogprob]:
        found = piece.update.logprobs
        if found is None or not self.shows_logprobs:
            return []
        return logprobs.chat_logprobs(found, self._names, self._num_top, piece.num_tokens)

    def prompt_logprobs(self, piece: Piece) -> list[dict[int, PromptLogprob]]:
        found = piece.update.prompt_logprobs
        if found is None or not self.shows_prompt_logprobs:
            return []
        return logprobs.prompt_logprobs(found, self._names)


class ChatCollector:
    """Puts pieces together again, for those who do not stream."""

    def __init__(self, run: ChatRun) -> None:
        self._run = run
        self._choices = [_empty_choice(run, index) for index in range(run.num_choices)]
        self._texts: list[list[str]] = [[run.prefix] for _ in self._choices]
        self._prompt_logprobs: list[dict[int, PromptLogprob] | None] = [None]

    def add(self, piece: Piece) -> None:
        self._run.tally.add(piece)
        choice = self._choices[piece.choice]
        self._texts[piece.choice].append(piece.text)
        if choice.logprobs is not None:
            choice.logprobs.content += self._run.logprobs(piece)
        if choice.token_ids is not UNSET:
            choice.token_ids += piece.token_ids
        if piece.choice == 0:
            self._prompt_logprobs += self._run.prompt_logprobs(piece)
        if piece.finish_reason is not None:
            choice.finish_reason, choice.stop_reason = piece.finish_reason, piece.stop_reason

    def answer(self) -> ChatAnswer:
        run = self._run
        for choice, texts in zip(self._choices, self._texts, strict=True):
            choice.message.content = "".join(texts)
        return ChatAnswer(
            id=run.id,
            created=run.created,
            model=run.model,
            choices=self._choices,
            usage=run.tally.usage(),
            prompt_logprobs=self._prompt_logprobs if run.shows_prompt_logprobs else UNSET,
            prompt_token_ids=run.prompt_ids if run.shows_ids else UNSET,
        )


def _empty_choice(run: ChatRun, index: int) -> ChatChoice:
    return ChatChoice(
        index=index,
        message=AnswerMessage(run.role, ""),
        logprobs=ChatLogprobs([]) if run.shows_logprobs else None,
        finish_reason=None,
        stop_reason=None,
        token_ids=[] if run.shows_ids else UNSET,
    )


def _role(body: ChatRequest, response_role: str) -> str:
    """An answer that goes on where the last message ended has its role."""
    goes_on = body.continue_final_message or body.add_generation_prompt is False
    return str(body.messages[-1]["role"]) if goes_on else response_role


def _echoed(body: ChatRequest, role: str) -> str:
    last = body.messages[-1]
    return _text(last) if body.echo and last["role"] == role else ""


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(map(text_of_part, content))
