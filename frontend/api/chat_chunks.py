"""The chunks of a streamed chat answer. Knows shapes, not connections."""

from msgspec import UNSET

from penstock.frontend.api.call_ids import CallIds
from penstock.frontend.api.chat_run import ChatRun
from penstock.frontend.api.chat_shapes import (
    CallDelta,
    ChatChunk,
    ChatChunkChoice,
    ChatDelta,
    ChatLogprobs,
    FunctionDelta,
)
from penstock.frontend.api.fields import StreamOptions
from penstock.frontend.api.text_frame import TextFrame
from penstock.frontend.formats import CallArguments, CallStart, Content, Event, Reasoning
from penstock.frontend.generation import Piece
from penstock.frontend.sse import event


class ChatChunks:
    """`answering.Chunks` for chat: one chunk for each event of a piece."""

    def __init__(self, run: ChatRun, options: StreamOptions | None) -> None:
        self._run = run
        self._tells_usage = options is not None and options.tells_usage
        self._tells_usage_always = options is not None and options.tells_usage_always
        self._is_terse = not (run.shows_ids or run.shows_logprobs or self._tells_usage_always)
        self._frames = [self._frame(index) for index in range(run.num_choices)]
        self._call_ids = [CallIds(run.reading.format) for _ in run.readers]

    def opening(self) -> bytes:
        """The role of each choice; then what is echoed."""
        run = self._run
        deltas = [ChatDelta(run.role, "")] + [ChatDelta(UNSET, run.prefix)] * bool(run.prefix)
        chunks = [
            self._chunk(ChatChunkChoice(index, delta))
            for delta in deltas
            for index in range(run.num_choices)
        ]
        if run.shows_ids:
            chunks[0].prompt_token_ids = run.prompt_ids
        chunks[0].prompt_text = run.prompt_text
        return b"".join(map(event, chunks))

    def piece(self, piece: Piece) -> bytes:
        self._run.tally.add(piece)
        events = self._run.readers[piece.choice].read(piece)
        if self._is_terse and piece.finish_reason is None:
            return b"".join([self._terse(piece.choice, found) for found in events])
        if not piece.num_tokens and piece.finish_reason is None:
            return b""
        return self._telling(piece, [self._delta(piece.choice, found) for found in events])

    def closing(self) -> bytes:
        if not self._tells_usage:
            return b""
        chunk = self._chunk()
        chunk.usage = self._run.usage()
        return event(chunk)

    def _terse(self, choice: int, found: Event) -> bytes:
        if isinstance(found, Content):
            return self._frames[choice](found.text)
        return event(self._chunk(ChatChunkChoice(choice, self._delta(choice, found))))

    def _telling(self, piece: Piece, deltas: list[ChatDelta]) -> bytes:
        """The first chunk tells of the piece's tokens, the last one of the end."""
        run = self._run
        choices = [
            ChatChunkChoice(piece.choice, delta) for delta in deltas or [ChatDelta(UNSET, "")]
        ]
        if run.shows_logprobs:
            choices[0].logprobs = ChatLogprobs(run.logprobs(piece))
        if run.shows_ids:
            choices[0].token_ids = piece.token_ids
        if piece.finish_reason is not None:
            choices[-1].finish_reason = run.readers[piece.choice].finish_reason(piece)
            choices[-1].stop_reason = piece.stop_reason
        return b"".join([event(self._chunk(choice)) for choice in choices])

    def _delta(self, choice: int, found: Event) -> ChatDelta:
        match found:
            case Content(text):
                return ChatDelta(content=text)
            case Reasoning(text):
                return ChatDelta(reasoning=text, reasoning_content=text)
            case CallStart(index, name):
                call_id = self._call_ids[choice](index, name)
                call = CallDelta(index, FunctionDelta(name), call_id, "function")
            case CallArguments(index, text):
                call = CallDelta(index, FunctionDelta(arguments=text))
        return ChatDelta(tool_calls=[call])

    def _chunk(self, *choices: ChatChunkChoice) -> ChatChunk:
        run = self._run
        chunk = ChatChunk(id=run.id, created=run.created, model=run.model, choices=list(choices))
        if self._tells_usage_always:
            chunk.usage = run.usage()
        return chunk

    def _frame(self, index: int) -> TextFrame:
        return TextFrame(self._chunk(ChatChunkChoice(index, ChatDelta(UNSET, TextFrame.MARK))))
