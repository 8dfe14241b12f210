"""The chunks of streamed completions. Knows shapes, not connections."""

from penstock.frontend.api.completion_run import CompletionRun
from penstock.frontend.api.completion_shapes import CompletionAnswer, CompletionChoice
from penstock.frontend.api.fields import StreamOptions
from penstock.frontend.api.text_frame import TextFrame
from penstock.frontend.generation import Piece
from penstock.frontend.sse import event


class CompletionChunks:
    """`streaming.Chunks` for completions."""

    def __init__(self, run: CompletionRun, options: StreamOptions | None) -> None:
        self._run = run
        self._tells_usage = options is not None and options.tells_usage
        self._tells_usage_always = options is not None and options.tells_usage_always
        self._is_plain = run.is_plain and not self._tells_usage_always
        self._frames = [self._frame(index) for index in range(len(run.voices))]

    def opening(self) -> bytes:
        return b""

    def piece(self, piece: Piece) -> bytes:
        if self._is_plain and piece.finish_reason is None:
            self._run.tally.add(piece)
            return self._frames[piece.choice](piece.text) if piece.text else b""
        choice = self._run.add(piece)
        says_something = choice.text or piece.num_tokens or choice.logprobs is not None
        if says_something or piece.finish_reason is not None:
            return event(self._chunk(choice))
        return b""

    def closing(self) -> bytes:
        if not self._tells_usage:
            return b""
        chunk = self._chunk()
        chunk.usage = self._run.tally.usage()
        return event(chunk)

    def _chunk(self, *choices: CompletionChoice) -> CompletionAnswer:
        run = self._run
        chunk = CompletionAnswer(
            id=run.id, created=run.created, model=run.model, choices=list(choices)
        )
        if self._tells_usage_always:
            chunk.usage = run.tally.usage()
        return chunk

    def _frame(self, index: int) -> TextFrame:
        return TextFrame(self._chunk(CompletionChoice(index=index, text=TextFrame.MARK)))
