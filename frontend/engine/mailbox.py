"""The one slot between the engine and a slow reader: verifies, merges, remembers. Knows no socket and no loop.

    output  [ taken by the reader ...... | waiting for it .... ]
              what a new engine continues from: all of it     ^ the next Delta's offset

A Delta that begins before that offset repeats what is here already, and is trimmed; one that begins
after it means that something was lost.
"""

import msgspec

from penstock.frontend.engine import logprob_rows
from penstock.frontend.engine.errors import BrokenStreamError
from penstock.protocol import token_ids
from penstock.protocol.messages import Delta, FinishReason, TokenLogprobs

MAX_WAITING_BYTES = 256 << 20
"""Of log probabilities, which can be a whole vocabulary for each token, while nobody reads them."""


class Update(msgspec.Struct, frozen=True, gc=False):
    """All that came since the last Update. The last one of a stream carries `finish`."""

    token_ids: list[int]
    finish: FinishReason | None = None
    stop_token: int | None = None
    logprobs: TokenLogprobs | None = None
    """Of exactly these tokens."""
    prompt_logprobs: TokenLogprobs | None = None
    """Of the next prompt tokens, from token 1 on."""
    num_cached: int = 0
    """Prompt tokens that came from the prefix cache; in the first Update, and 0 in others."""
    queued_us: int = 0
    """Microseconds that it waited in the engine's queue; as `num_cached`."""


class Mailbox:
    """Holds one sequence's output, and what of it was not yet taken."""

    def __init__(self, emitted: bytes = b"") -> None:
        """`emitted` is known to the reader already."""
        self._output = bytearray(emitted)
        self._num_taken_bytes = len(emitted)
        self._logprobs: list[TokenLogprobs] = []
        self._prompt_logprobs: list[TokenLogprobs] = []
        self._num_prompt_rows = 0
        self._prompt_rows_to_skip = 0
        self._waiting_bytes = 0
        self._num_cached: int | None = None
        self._queued_us = 0
        self._has_reported_cached = False
        self._finish: FinishReason | None = None
        self._stop_token: int | None = None
        self._has_news = False

    @property
    def num_tokens(self) -> int:
        return len(self._output) // token_ids.BYTES_PER_ID

    @property
    def output(self) -> bytes:
        """Everything generated so far, packed."""
        return bytes(self._output)

    @property
    def num_prompt_rows(self) -> int:
        """Prompt tokens whose log probabilities have come."""
        return self._num_prompt_rows

    @property
    def has_news(self) -> bool:
        return self._has_news

    @property
    def finish(self) -> FinishReason | None:
        return self._finish

    def push(self, delta: Delta) -> int:
        """Takes a Delta in and returns how many of its tokens were new. Raises BrokenStreamError."""
        assert self._finish is None, "a finished stream is no longer routed to"
        num_new = self._append(delta)
        if delta.prompt_logprobs is not None:
            self._append_prompt(delta.prompt_logprobs)
        if self._num_cached is None:
            self._num_cached = delta.num_cached
            self._queued_us = delta.queued_us
        if delta.finish is not None:
            self._end(delta)
        return num_new

    def pass_on(self, delta: Delta) -> Update | None:
        """What `push` and `take` would give for plain tokens that are next while nothing waits; else None."""
        is_next = delta.offset * token_ids.BYTES_PER_ID == len(self._output)
        if not is_next or not delta.offset or self._has_news or delta.finish is not None:
            return None
        if delta.logprobs is not None or delta.prompt_logprobs is not None:
            return None
        ids = delta.token_ids
        if not ids or len(ids) % token_ids.BYTES_PER_ID:
            return None
        self._output += ids
        self._num_taken_bytes = len(self._output)
        return Update(token_ids.unpack(ids))

    def take(self) -> Update:
        """What came since the last time. Raises BrokenStreamError when its parts do not fit together."""
        update = Update(
            token_ids.unpack(bytes(self._output[self._num_taken_bytes :])),
            self._finish,
            self._stop_token,
            logprob_rows.join(self._logprobs),
            logprob_rows.join(self._prompt_logprobs),
            *((0, 0) if self._has_reported_cached else (self._num_cached or 0, self._queued_us)),
        )
        self._has_reported_cached = self._num_cached is not None
        self._num_taken_bytes = len(self._output)
        self._logprobs, self._prompt_logprobs = [], []
        self._waiting_bytes = 0
        self._has_news = False
        return update

    def expect_restart(self) -> None:
        """Another engine goes on from `output`; it may send the prompt's log probabilities again."""
        self._prompt_rows_to_skip = self._num_prompt_rows

    def _append(self, delta: Delta) -> int:
        ids, logprobs = delta.token_ids, delta.logprobs
        repeated = self.num_tokens - delta.offset
        if repeated:
            ids, logprobs = self._trim(delta, repeated)
        if len(ids) % token_ids.BYTES_PER_ID:
            raise BrokenStreamError(f"{len(ids)} bytes are no whole number of token ids")
        if ids:
            self._output += ids
            self._has_news = True
            if logprobs is not None:
                self._hold(self._logprobs, logprobs)
        return token_ids.count(ids)

    def _trim(self, delta: Delta, repeated: int) -> tuple[bytes, TokenLogprobs | None]:
        if repeated < 0:
            raise BrokenStreamError(f"tokens {self.num_tokens} to {delta.offset - 1} were lost")
        ids = delta.token_ids[repeated * token_ids.BYTES_PER_ID :]
        if delta.logprobs is None or not ids:
            return ids, None
        return ids, logprob_rows.without_first(delta.logprobs, repeated)

    def _append_prompt(self, logprobs: TokenLogprobs) -> None:
        num = logprob_rows.num_rows(logprobs)
        skipped = min(num, self._prompt_rows_to_skip)
        self._prompt_rows_to_skip -= skipped
        if num > skipped:
            self._num_prompt_rows += num - skipped
            kept = logprob_rows.without_first(logprobs, skipped) if skipped else logprobs
            self._hold(self._prompt_logprobs, kept)
            self._has_news = True

    def _hold(self, parts: list[TokenLogprobs], part: TokenLogprobs) -> None:
        self._waiting_bytes += logprob_rows.num_bytes(part)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            raise BrokenStreamError("log probabilities were not read for too long")
        parts.append(part)

    def _end(self, delta: Delta) -> None:
        if delta.offset + token_ids.count(delta.token_ids) < self.num_tokens:
            raise BrokenStreamError(f"an end before token {self.num_tokens}, which came already")
        self._finish = delta.finish
        self._stop_token = delta.stop_token
        self._has_news = True
