"""What the fake engine says: tokens, ends and log probabilities by rule. Knows no socket."""

import struct
from collections.abc import Callable

import msgspec

from penstock.protocol import token_ids
from penstock.protocol.messages import FinishReason, Generate, Limits, ModelCard, TokenLogprobs
from penstock.protocol.sampling import SamplingParams
from penstock.protocol.timelines import Event, RequestTimeline, SequenceTimeline, TimelineEvent

Script = Callable[[Generate, int], int]
"""The token of a request at an output position."""

CARD = ModelCard("fake", max_model_len=4096, vocab_size=1000, dtype="float32", created=1)
LIMITS = Limits(
    max_num_seqs=64,
    max_num_batched_tokens=2048,
    max_queued_requests=1024,
    max_queued_tokens=1 << 20,
    max_logprobs=20,
    num_blocks=1024,
    block_size=16,
    heartbeat_s=0.05,
    silence_s=30.0,
)
SOON_SILENT: Limits = msgspec.structs.replace(LIMITS, silence_s=0.4)
"""For engines whose silence a test is about: elsewhere a machine that is busy for a moment is none."""


def hashed(request: Generate, position: int) -> int:
    """The default script."""
    seed = request.params.seed * 31 + sum(request.prompt[::4])
    return (seed + position * 7919) % CARD.vocab_size


def expected(request_prompt: bytes, params: SamplingParams, num: int) -> list[int]:
    """What `hashed` gives for this prompt."""
    request = Generate(0, request_prompt, params)
    return [hashed(request, position) for position in range(num)]


def finish(
    request: Generate, num_output: int, ids: list[int]
) -> tuple[FinishReason | None, int | None]:
    if ids and ids[-1] in request.params.stop_token_ids:
        return FinishReason.STOP, ids[-1]
    if ids and ids[-1] in request.params.eos_token_ids:
        return FinishReason.STOP, None
    return (FinishReason.LENGTH if num_output >= request.params.max_tokens else None), None


def logprobs(ids: list[int], top: int | None) -> TokenLogprobs | None:
    """Token t is the likeliest with -0.5; t+1, t+2, ... follow."""
    if top is None:
        return None
    width = top + 1
    columns = [token + max(0, column - 1) for token in ids for column in range(width)]
    values = [-0.5 - max(0, column - 1) for _ in ids for column in range(width)]
    return TokenLogprobs(
        width,
        token_ids.pack(columns),
        struct.pack(f"<{len(values)}f", *values),
        token_ids.pack([1] * len(ids)),
    )


def prompt_logprobs(request: Generate) -> TokenLogprobs | None:
    return logprobs(token_ids.unpack(request.prompt)[1:], request.params.prompt_logprobs)


def timeline(request: Generate) -> RequestTimeline:
    """Of a request that was received, and nothing more."""
    return RequestTimeline(
        id=request.name,
        response_id=request.answer_id,
        frontend="fake",
        received_at=1.0,
        engines_died=request.attempt,
        sequences=[
            SequenceTimeline(
                status="running",
                finish_reason=None,
                prompt_tokens=token_ids.count(request.prompt),
                cached_tokens=0,
                output_tokens=0,
                preemptions=0,
                events=[TimelineEvent(Event.RECEIVED, 0.0)],
                events_left_out=0,
            )
        ],
        sequences_left_out=0,
    )
