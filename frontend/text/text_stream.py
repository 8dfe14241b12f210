"""From the engine's tokens to the text a client sees. Knows no HTTP and no engine.

Follows vLLM where the two meet: the token that ended the sequence (EOS or a stop token) is not shown
unless stop strings are to be included; a stop string counts when it is complete after `min_tokens` tokens.
"""

from collections.abc import Sequence

import msgspec

from penstock.frontend.text.detokenizer import Detokenizer
from penstock.frontend.text.stop_strings import StopStrings
from penstock.protocol.messages import FinishReason


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """What one push brought."""

    text: str
    stop: str | None = None
    """The stop string that was found: the sequence is over for the client, abort it."""
    num_tokens: int = 0
    """How many of the pushed tokens belong to the output; less than all only at a stop string."""
    parts: tuple[str, ...] = ()
    """If asked for, what of the text each token brought, however they were pushed; the rest comes at the end."""


class TextStream:
    """The output of one sequence. After a stop string or a finish, nothing more may be pushed."""

    def __init__(
        self,
        detokenizer: Detokenizer,
        stop: tuple[str, ...] = (),
        *,
        include_stop_str_in_output: bool = False,
        min_tokens: int = 0,
        tells_parts: bool = False,
    ) -> None:
        self._detokenizer = detokenizer
        by_token = stop or tells_parts
        self._stops = StopStrings(stop, include_stop_str_in_output) if by_token else None
        self._tells_parts = tells_parts
        self._include_stop = include_stop_str_in_output
        self._min_tokens = min_tokens
        self.num_tokens = 0
        """Output tokens so far, up to the one that completed a stop string."""

    def push(self, token_ids: Sequence[int], finish: FinishReason | None = None) -> TextDelta:
        """`finish` comes with the last tokens and releases all that was held back."""
        shown = token_ids
        if finish is FinishReason.STOP and not self._include_stop:
            shown = token_ids[:-1]
        if self._stops is None:
            delta = self._plain(shown, finish is not None, len(token_ids))
        else:
            delta = self._searched(self._stops, shown, finish is not None, len(token_ids))
        self.num_tokens += delta.num_tokens
        return delta

    def _plain(self, ids: Sequence[int], ended: bool, num_tokens: int) -> TextDelta:
        text = self._detokenizer.push(ids) if ids else ""
        if ended:
            text += self._detokenizer.flush()
        return TextDelta(text, None, num_tokens)

    def _searched(
        self, stops: StopStrings, ids: Sequence[int], ended: bool, num_tokens: int
    ) -> TextDelta:
        """Goes token by token: the count at the stop string has to be exact."""
        parts: list[str] = []
        for count, token_id in enumerate(ids, start=1):
            armed = self.num_tokens + count > self._min_tokens
            text, stop = stops.push(self._detokenizer.push((token_id,)), armed)
            parts.append(text)
            if stop is not None:
                return self._delta(parts, "", stop, count)
        if not ended:
            return self._delta(parts, "", None, num_tokens)
        armed = self.num_tokens + num_tokens > self._min_tokens
        text, stop = stops.push(self._detokenizer.flush(), armed)
        return self._delta(parts, text + stops.flush(), stop, num_tokens)

    def _delta(self, parts: list[str], rest: str, stop: str | None, num_tokens: int) -> TextDelta:
        """The token that ended the sequence brought nothing."""
        text = "".join(parts) + rest
        if not self._tells_parts:
            return TextDelta(text, stop, num_tokens)
        silent = [""] * (num_tokens - len(parts))
        return TextDelta(text, stop, num_tokens, (*parts, *silent))
