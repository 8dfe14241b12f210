"""A chat answer put together again, for those who do not stream. Knows its shape, not how it is sent."""

from msgspec import UNSET

from penstock.frontend.api.call_ids import CallIds
from penstock.frontend.api.chat_run import ChatRun
from penstock.frontend.api.chat_shapes import (
    AnswerMessage,
    CalledFunction,
    ChatAnswer,
    ChatChoice,
    ChatLogprobs,
    PromptLogprobs,
    ToolCall,
)
from penstock.frontend.formats import CallArguments, CallStart, Content, Event, Reasoning
from penstock.frontend.generation import Piece


class ChatCollector:
    """`answering.Collector` for chat."""

    def __init__(self, run: ChatRun) -> None:
        self._run = run
        self._choices = [_Choice(run, index) for index in range(run.num_choices)]
        self._prompt_logprobs: PromptLogprobs = [None]

    def add(self, piece: Piece) -> None:
        run = self._run
        run.tally.add(piece)
        self._choices[piece.choice].add(piece)
        if piece.choice == 0:
            self._prompt_logprobs += run.prompt_logprobs(piece)

    def answer(self) -> ChatAnswer:
        run = self._run
        return ChatAnswer(
            id=run.id,
            created=run.created,
            model=run.model,
            choices=[choice.whole() for choice in self._choices],
            usage=run.usage(),
            prompt_logprobs=self._prompt_logprobs if run.shows_prompt_logprobs else UNSET,
            prompt_token_ids=run.prompt_ids if run.shows_ids else UNSET,
            prompt_text=run.prompt_text,
        )


class _Choice:
    def __init__(self, run: ChatRun, index: int) -> None:
        self._run = run
        self._reader = run.readers[index]
        self._message = _Message(run)
        self._shown = ChatChoice(
            index=index,
            message=AnswerMessage(run.role, ""),
            logprobs=ChatLogprobs([]) if run.shows_logprobs else None,
            finish_reason=None,
            stop_reason=None,
            token_ids=[] if run.shows_ids else UNSET,
        )

    def add(self, piece: Piece) -> None:
        choice = self._shown
        for event in self._reader.read(piece):
            self._message.add(event)
        if choice.logprobs is not None:
            choice.logprobs.content += self._run.logprobs(piece)
        if choice.token_ids is not UNSET:
            choice.token_ids += piece.token_ids
        if piece.finish_reason is not None:
            choice.finish_reason = self._reader.finish_reason(piece)
            choice.stop_reason = piece.stop_reason

    def whole(self) -> ChatChoice:
        self._shown.message = self._message.whole(self._run.role)
        return self._shown


class _Message:
    def __init__(self, run: ChatRun) -> None:
        self._content = [run.prefix] if run.prefix else []
        self._reasoning: list[str] = []
        self._calls: list[tuple[str, list[str]]] = []
        self._ids = CallIds(run.reading.format)

    def add(self, event: Event) -> None:
        match event:
            case Content(text):
                self._content.append(text)
            case Reasoning(text):
                self._reasoning.append(text)
            case CallStart(_, name):
                self._calls.append((name, []))
            case CallArguments(index, text):
                self._calls[index][1].append(text)

    def whole(self, role: str) -> AnswerMessage:
        """A message of calls alone has no content."""
        message = AnswerMessage(role, "".join(self._content) or (None if self._calls else ""))
        if self._reasoning:
            message.reasoning = message.reasoning_content = "".join(self._reasoning)
        if self._calls:
            message.tool_calls = [
                ToolCall(self._ids(index, name), CalledFunction(name, "".join(arguments)))
                for index, (name, arguments) in enumerate(self._calls)
            ]
        return message
