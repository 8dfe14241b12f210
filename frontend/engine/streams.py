"""All open streams of one front end, by their present ids. Knows no socket: it makes messages, others send them."""

from collections import Counter

from penstock.frontend.engine.errors import BrokenStreamError, RefusedError
from penstock.frontend.engine.token_stream import TokenStream
from penstock.protocol.errors import EngineGoneError, PenstockError
from penstock.protocol.messages import Generate, Refused, Tokens


class Streams:
    """Routes what comes from the engine; hands all of them on when there is a new one.

    Ids are drawn in sequence and never twice, so that what an old engine still says about an old id
    finds nobody. A stream that has not been sent yet waits under the id it will have.
    """

    def __init__(self) -> None:
        self._open: dict[int, TokenStream] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._open)

    def draw_id(self) -> int:
        drawn = self._next_id
        self._next_id += 1
        return drawn

    def add(self, stream: TokenStream) -> None:
        """Takes it in, unsent."""
        stream.id = self.draw_id()
        self._open[stream.id] = stream

    def remove(self, stream: TokenStream) -> None:
        """Also one that is gone already."""
        self._open.pop(stream.id, None)

    def begin(self, stream: TokenStream) -> list[Generate]:
        """The message that sends an added stream; none when it failed instead."""
        try:
            return [stream.begin()]
        except RefusedError as error:
            self._fail(stream, error)
            return []

    def deliver(self, tokens: Tokens, now_s: float) -> None:
        """Gives each open stream its delta; one that contradicts what came before fails its stream."""
        for delta in tokens.deltas:
            stream = self._open.get(delta.id)
            if stream is None:
                continue
            try:
                stream.deliver(delta, now_s)
            except BrokenStreamError as error:
                self._fail(stream, error)
            if delta.finish is not None:
                self.remove(stream)

    def refuse(self, refused: Refused) -> None:
        stream = self._open.get(refused.id)
        if stream is not None:
            stream.was_sent = False
            self._fail(stream, RefusedError(refused.code, refused.message, refused.retry_after_s))

    def hand_over(self, engine_died: bool) -> tuple[list[int], list[Generate]]:
        """For a new engine, or one that may have forgotten us: ids to forget, and all streams under new ones."""
        streams = list(self._open.values())
        stale = [stream.id for stream in streams if stream.was_sent]
        self._open.clear()
        for stream in streams:
            self.add(stream)
        return stale, [
            message for stream in streams for message in self._again(stream, engine_died)
        ]

    def num_tokens(self) -> dict[int, int]:
        """What open streams brought so far, by reservation."""
        found: Counter[int] = Counter()
        for stream in self._open.values():
            found[stream.spec.reservation] += stream.num_tokens
        return found

    def expire(self) -> None:
        """Fails those whose deadline passed while there was no engine to watch it."""
        for stream in list(self._open.values()):
            try:
                stream.deadline_left_s()
            except RefusedError as error:
                self._fail(stream, error)

    def give_up(self, reason: str) -> None:
        """No engine came for those that wait."""
        for stream in list(self._open.values()):
            self._fail(stream, EngineGoneError(reason))

    def _again(self, stream: TokenStream, engine_died: bool) -> list[Generate]:
        try:
            if engine_died and stream.was_sent:
                stream.charge()
            return self.begin(stream)
        except RefusedError as error:
            self._fail(stream, error)
            return []

    def _fail(self, stream: TokenStream, error: PenstockError) -> None:
        stream.fail(error)
        self.remove(stream)
