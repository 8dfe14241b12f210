"""What all chunks of a chat answer share. Knows one request, not how it is sent."""

import time

from msgspec import UNSET

from penstock.frontend.api.call_tally import CallTally
from penstock.frontend.api.chat_reader import Reading
from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.shapes import Usage
from penstock.frontend.generation import Piece
from penstock.frontend.prompts import ValidRequest
from penstock.frontend.services import Services
from penstock.frontend.text import logprobs
from penstock.frontend.text.chat_messages import text_of
from penstock.frontend.text.logprobs import ChatLogprob, PromptLogprob, TokenNames


class ChatRun:
    """One chat request on its way out."""

    def __init__(
        self, body: ChatRequest, valid: ValidRequest, reading: Reading, services: Services
    ) -> None:
        self.id = valid.answer_id
        self.created = int(time.time())
        self.model = services.model
        self.role = _role(body, services.settings.response_role)
        self.num_choices = valid.num_choices
        self.prefix = _echoed(body, self.role)
        self.prompt_ids = valid.prompts[0].ids
        self.prompt_text = valid.prompts[0].text or "" if body.return_prompt_text else UNSET
        self.reading = reading
        self.readers = [reading.reader() for _ in range(valid.num_choices)]
        self.tally = CallTally(valid, self.readers, "chat_completions")
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

    def usage(self) -> Usage:
        if self.reading.format.reasoning is None:
            return self.tally.usage()
        return self.tally.usage(sum(reader.num_reasoning for reader in self.readers))


def _role(body: ChatRequest, response_role: str) -> str:
    """An answer that goes on where the last message ended has its role."""
    goes_on = body.continue_final_message or body.add_generation_prompt is False
    return str(body.messages[-1]["role"]) if goes_on else response_role


def _echoed(body: ChatRequest, role: str) -> str:
    last = body.messages[-1]
    return text_of(last) if body.echo and last["role"] == role else ""
