"""Whether a sequence ends with the token it just got. Knows ids and counts; stop strings are the front end's."""

from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import FinishReason

Ending = tuple[FinishReason | None, int | None]
NONE: Ending = (None, None)


def ending(sequence: Sequence) -> Ending:
    """The reason to end, and the stop token that is one, or `NONE` itself; length yields to a stop.

    A constrained answer says its end when nothing else may follow, so there `min_tokens` has to yield.
    """
    params, num_tokens = sequence.params, len(sequence.tokens)
    num_output = num_tokens - sequence.num_prompt
    if num_output > (params.min_tokens if params.constraint is None else 0):
        token = sequence.tokens[-1]
        if token in params.eos_token_ids:
            return FinishReason.STOP, None
        if token in params.stop_token_ids:
            return FinishReason.STOP, token
    if num_output >= params.max_tokens or num_tokens >= sequence.max_len:
        return FinishReason.LENGTH, None
    return NONE
