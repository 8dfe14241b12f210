"""A language model on paper: the next token is a function of (seed, all tokens before it), known in advance."""

import zlib
from collections.abc import Sequence

from penstock.protocol.messages import FinishReason
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.token_ids import pack

VOCAB_SIZE = 64


def next_token(params: SamplingParams, tokens: Sequence[int], num_prompt: int) -> int:
    """Never an end token before `min_tokens`, as real samplers see to."""
    ends = {*params.eos_token_ids, *params.stop_token_ids}
    token = zlib.crc32(pack(tokens), params.seed) % VOCAB_SIZE
    if len(tokens) - num_prompt < params.min_tokens:
        while token in ends:
            token = (token + 1) % VOCAB_SIZE
    return token


def whole_output(
    prompt: Sequence[int], params: SamplingParams, max_model_len: int
) -> tuple[list[int], FinishReason, int | None]:
    """Everything that a request for this will ever get, however it is scheduled."""
    tokens = list(prompt)
    while True:
        output = tokens[len(prompt) :]
        if output and output[-1] in params.eos_token_ids and len(output) > params.min_tokens:
            return output, FinishReason.STOP, None
        if output and output[-1] in params.stop_token_ids and len(output) > params.min_tokens:
            return output, FinishReason.STOP, output[-1]
        if len(output) >= params.max_tokens or len(tokens) >= max_model_len:
            return output, FinishReason.LENGTH, None
        tokens.append(next_token(params, tokens, len(prompt)))
