"""The events of an answer in the foreground, made a second time from what came. Knows no store and no connection."""

from collections.abc import Sequence

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.generation import Piece, repeat
from penstock.frontend.responses.job import Job
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.text.tokenizer import Tokenizer


def frames_before_the_end(
    job: Job, past: Sequence[Update], answers: AnswerRules, tokenizer: Tokenizer
) -> tuple[list[Frame], ResponseWriter]:
    """All but the last, which the writer has still to say."""
    gathering = _Gathering(job.writer(answers, tokenizer))
    repeat(job.valid, tokenizer, gathering, past)
    return gathering.frames, gathering.writer


class _Gathering:
    """`Taker` of pieces that came before."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer
        self.frames = writer.opening()

    def take(self, piece: Piece) -> bool:
        self.frames += self.writer.piece(piece)
        return True

    async def ready(self) -> None:
        pass
