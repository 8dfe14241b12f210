"""Cuts and joins TokenLogprobs by rows. Does not know which tokens the rows belong to."""

from collections.abc import Sequence

from penstock.frontend.engine.errors import BrokenStreamError
from penstock.protocol import token_ids
from penstock.protocol.messages import TokenLogprobs

_CELL_BYTES = 4


def num_rows(logprobs: TokenLogprobs) -> int:
    return token_ids.count(logprobs.ranks)


def without_first(logprobs: TokenLogprobs, num: int) -> TokenLogprobs:
    """The rows from `num` on."""
    cells = num * logprobs.width * _CELL_BYTES
    return TokenLogprobs(
        logprobs.width,
        logprobs.ids[cells:],
        logprobs.values[cells:],
        logprobs.ranks[num * _CELL_BYTES :],
    )


def join(parts: Sequence[TokenLogprobs]) -> TokenLogprobs | None:
    """All rows in order; None of nothing. Raises BrokenStreamError when widths differ."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    width = parts[0].width
    if any(part.width != width for part in parts):
        raise BrokenStreamError("log probabilities changed their width within one stream")
    return TokenLogprobs(
        width,
        b"".join([part.ids for part in parts]),
        b"".join([part.values for part in parts]),
        b"".join([part.ranks for part in parts]),
    )


def num_bytes(logprobs: TokenLogprobs) -> int:
    return len(logprobs.ids) + len(logprobs.values) + len(logprobs.ranks)
