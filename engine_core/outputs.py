"""What a step brought a sequence, as its reader is told. Knows tokens and scores, not how they were chosen."""

from penstock.engine_core import stops
from penstock.engine_core.prompt_scores import PromptScores
from penstock.engine_core.sequence import Sequence
from penstock.protocol.messages import Delta, TokenLogprobs
from penstock.protocol.token_ids import pack

Output = tuple[Sequence, Delta]


def output(
    sequence: Sequence,
    offset: int,
    ending: stops.Ending,
    logprobs: TokenLogprobs | None,
    scores: PromptScores,
) -> Output:
    """All that one step brought a sequence that sampled, from the output token `offset` on."""
    is_first = offset == sequence.num_emitted
    return sequence, Delta(
        sequence.id,
        offset,
        pack(sequence.tokens[sequence.num_prompt + offset :]),
        *ending,
        logprobs if sequence.params.max_tokens else None,
        scores.take(sequence),
        *((sequence.num_cached, sequence.queued_us) if is_first else (0, 0)),
    )
