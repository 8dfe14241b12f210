"""Messages between the engine core and its workers. Knows slots and blocks, not requests.

A slot is a worker's memory of one running sequence (tokens, block table, sampling state), numbered
0..max_num_seqs-1 by the engine. Decode rows carry no token: the worker keeps the last one in its slot,
so that the next plan can be sent while this one runs.

    tokens of a slot   [ prompt ............ | output ..... ]
                       ^ computed ->          ^ num_prompt
    a row              computes the next `count` tokens; a row whose computed tokens then reach the
                       end of the known ones samples one more, and only such a row does.
"""

from typing import Literal

import msgspec

from penstock.protocol.constraint import Constraint
from penstock.protocol.messages import TokenLogprobs
from penstock.protocol.sampling import SamplingParams


class PlanMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of everything between engine and workers."""


# ---- down: engine core -> all ranks


class Configure(PlanMessage, frozen=True, tag=1):
    """Sent once, after every rank said WorkerHello: how large the cache is to be."""

    num_blocks: int
    block_size: int
    max_num_seqs: int
    max_model_len: int
    max_num_batched_tokens: int
    num_host_blocks: int = 0
    """Blocks of host memory that each rank swaps its share of KV-cache blocks to."""


class SeqStart(PlanMessage, frozen=True):
    """A sequence takes `slot`. Its first `num_computed` tokens lie in its blocks already, or are swapped in."""

    slot: int
    token_ids: bytes
    num_prompt: int
    num_computed: int
    params: SamplingParams


class BlockGrant(PlanMessage, frozen=True):
    """Appends packed block ids to the slot's block table."""

    slot: int
    block_ids: bytes


class StepPlan(PlanMessage, frozen=True, tag=2):
    """One step. A worker applies `frees`, then `starts`, then `grants`, then copies `swaps_out`, then `swaps_in`, then
    runs the rows.

    `slots` and `counts` are packed uint32 and of equal length: row i computes `counts[i]` tokens of
    `slots[i]`. No slot appears twice. A plan without rows is legal (it only frees) and is answered.
    """

    step: int
    slots: bytes
    counts: bytes
    starts: list[SeqStart] = []
    grants: list[BlockGrant] = []
    frees: bytes = b""
    """Packed slots whose sequence is gone; known before any start of this plan reuses them."""
    tails: bytes = b""
    """Packed, for each row the newest token of its sequence. Where a model has several stages: most ranks have not
    heard of it, since the last stage samples."""
    swaps_out: bytes = b""
    """Packed pairs (block, host block): the host block takes the block's content. No host block appears twice."""
    swaps_in: bytes = b""
    """Packed pairs (block, host block): the block takes the host block's content. No block appears twice."""


class Shutdown(PlanMessage, frozen=True, tag=3):
    """Exit with status 0."""


class Prepare(PlanMessage, frozen=True, tag=4):
    """Compile this beside the steps: sequences with it wait until the rank that samples has answered Prepared."""

    id: int
    constraint: Constraint


class Release(PlanMessage, frozen=True, tag=5):
    """No sequence will start with these any more."""

    ids: list[int]


# ---- up: worker -> engine core


class WorkerHello(PlanMessage, frozen=True, tag=33):
    """The weights are loaded; this is what the rank can offer."""

    rank: int
    pid: int
    dtype: str
    vocab_size: int
    max_position: int
    """The longest context the checkpoint claims to support."""
    kv_bytes_per_token: int
    kv_bytes_available: int
    """Memory this rank would give to the KV cache under its settings."""
    weights_bytes: int
    load_s: float
    device: Literal["cpu", "cuda"] = "cpu"
    """Decides the defaults of batch size and token budget."""
    swap_bytes_available: int = 0
    """Host memory that this rank can give to swapped blocks."""


class WorkerReady(PlanMessage, frozen=True, tag=34):
    """The cache is allocated; plans may come."""

    rank: int


class RowLogprobs(PlanMessage, frozen=True):
    """Log probabilities for row `row` of the plan; a prompt chunk may bring several tokens at once."""

    row: int
    logprobs: TokenLogprobs


class RowFailure(PlanMessage, frozen=True):
    """Row `row` of the plan cannot go on, and whatever it sampled is void."""

    row: int
    message: str


class StepResult(PlanMessage, frozen=True, tag=35):
    """The answer to one StepPlan of the rank that samples (0, or the last stage's first): packed ids, one for each row
    that sampled, in row order."""

    step: int
    token_ids: bytes
    busy_s: float
    logprobs: list[RowLogprobs] = []
    prompt_logprobs: list[RowLogprobs] = []
    failures: list[RowFailure] = []


class WorkerFault(PlanMessage, frozen=True, tag=36):
    """The rank cannot go on and exits after this; `advice` tells an operator what to change."""

    rank: int
    message: str
    advice: str = ""
    final: bool = False
    """The model or a setting is at fault: another start would end the same way."""


class WorkerProgress(PlanMessage, frozen=True, tag=37):
    """Still starting: `phase` is for people, `share` is 0 to 1."""

    rank: int
    phase: str
    share: float


class Prepared(PlanMessage, frozen=True, tag=38):
    """The sampling rank's answer to one Prepare; may come between results. `error` says why it cannot be done."""

    id: int
    error: str = ""
    num_bytes: int = 0
    """Memory that it takes until it is released, roughly."""
    compile_s: float = 0.0


ToWorker = Configure | StepPlan | Shutdown | Prepare | Release
FromWorker = WorkerHello | WorkerReady | StepResult | WorkerFault | WorkerProgress | Prepared
