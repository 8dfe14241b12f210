"""The chunks of a streamed chat answer. Knows shapes, not connections."""

from msgspec import UNSET

from penstock.frontend.api.chat_run import ChatRun
from penstock.frontend.api.chat_shapes import ChatChunk, ChatChunkChoice, ChatDelta, ChatLogprobs
from penstock.frontend.api.fields import StreamOptions
from penstock.frontend.api.text_frame import TextFrame
from penstock.frontend.generation import Piece
from penstock.frontend.sse import event


class ChatChunks:
    """`streaming.Chunks` for chat."""

    def __init__(self, run: ChatRun, options: StreamOptions | None) -> None:
        self._run = run
        self._tells_usage = options is not None and options.tells_usage
        self._tells_usage_always = options is not None and options.tells_usage_always
        self._is_plain = not (run.shows_ids or run.shows_logprobs or self._tells_usage_always)
        self._frames = [self._frame(index) for index in range(run.num_choices)]

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
        return b"".join(map(event, chunks))

    def piece(self, piece: Piece) -> bytes:
        self._run.tally.add(piece)
        if piece.finish_reason is None:
            if self._is_plain:
                return self._frames[piece.choice](piece.text) if piece.text else b""
            if not piece.num_tokens:
                return b""
        return event(self._chunk(self._choice(piece)))

    def closing(self) -> bytes:
        if not self._tells_usage:
            return b""
        chunk = self._chunk()
        chunk.usage = self._run.tally.usage()
        return event(chunk)

    def _choice(self, piece: Piece) -> ChatChunkChoice:
        run = self._run
        choice = ChatChunkChoice(piece.choice, ChatDelta(UNSET, piece.text))
        if run.shows_logprobs:
            choice.logprobs = ChatLogprobs(run.logprobs(piece))
        if run.shows_ids:
            choice.token_ids = piece.token_ids
        if piece.finish_reason is not None:
            choice.finish_reason, choice.stop_reason = piece.finish_reason, piece.stop_reason
        return choice

    def _chunk(self, *choices: ChatChunkChoice) -> ChatChunk:
        run = self._run
        chunk = ChatChunk(id=run.id, created=run.created, model=run.model, choices=list(choices))
        if self._tells_usage_always:
            chunk.usage = run.tally.usage()
        return chunk

    def _frame(self, index: int) -> TextFrame:
        return TextFrame(self._chunk(ChatChunkChoice(index, ChatDelta(UNSET, TextFrame.MARK))))
