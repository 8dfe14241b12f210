"""The events of an answer in the foreground, made a second time from what came. Knows no store and no connection."""

from collections.abc import Iterator

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.generation import Piece, repeater
from penstock.frontend.responses.job import decode, decode_pasts
from penstock.frontend.responses.store import Record, Replay
from penstock.frontend.responses.writer import Frame, ResponseWriter
from penstock.frontend.text.tokenizer import Tokenizer

UPDATES_AT_A_TIME = 256
"""Their events are some 100 kB, and take some milliseconds."""


def told_again(
    record: Record, replay: Replay, answers: AnswerRules, tokenizer: Tokenizer
) -> Iterator[list[Frame]]:
    """All of them, in steps: between two of them others get their turn, and what was said can be sent."""
    job, past = decode(replay.job), decode_pasts([replay.past])
    gathering = _Gathering(job.writer(answers, tokenizer))
    speaker = repeater(job.valid, tokenizer, gathering)
    for first in range(0, len(past), UPDATES_AT_A_TIME):
        for update in past[first : first + UPDATES_AT_A_TIME]:
            speaker.take(update)
        yield gathering.gathered()
    yield [*gathering.gathered(), gathering.writer.ended(record.status, record.response)]


class _Gathering:
    """`Taker` of pieces that came before."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer
        self._frames = writer.opening()

    def take(self, piece: Piece) -> bool:
        self._frames += self.writer.piece(piece)
        return True

    async def ready(self) -> None:
        pass

    def gathered(self) -> list[Frame]:
        """Since the last time."""
        frames, self._frames = self._frames, []
        return frames
