"""Messages between front ends and the engine core. Knows their fields, not how they travel (`sockets`) or why.

Structs travel as msgpack arrays `[tag, field, ...]`: fields are only ever appended, with defaults,
so that an older reader skips what it does not know. docs/protocol.md says the same byte by byte.
"""

import enum

import msgspec

from penstock.protocol.sampling import SamplingParams

PROTOCOL_VERSION = 1


class FinishReason(enum.IntEnum):
    """Why a sequence ended, as the engine sees it. Stop strings are the front end's own finding."""

    STOP = 1
    LENGTH = 2
    ABORT = 3
    ERROR = 4


class RefusalCode(enum.StrEnum):
    """Stable reasons for `Refused`; a front end turns each into one HTTP status."""

    OVERLOADED = "overloaded"
    TOO_LONG = "too_long"
    DEADLINE = "deadline"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    DRAINING = "draining"
    POISONED = "poisoned"


class ControlVerb(enum.IntEnum):
    """What a front end may ask of the engine besides tokens."""

    METRICS = 1
    RESET_PREFIX_CACHE = 2
    REQUEST_TIMELINE = 3


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of everything on the wire."""


# ---- up: front end -> engine core


class Hello(Message, frozen=True, tag=1):
    """First on every connection. A known `frontend_id` with a new `epoch` replaces its predecessor."""

    protocol_version: int
    frontend_id: str
    epoch: int


class Generate(Message, frozen=True, tag=2):
    """Ask for tokens. `id` is unique within (frontend_id, epoch).

    `prompt` and `emitted` are packed ids (`token_ids`). A non-empty `emitted` continues a stream that
    another engine began: those tokens count as output, and the first Delta starts at their end.
    """

    id: int
    prompt: bytes
    params: SamplingParams
    emitted: bytes = b""
    priority: int = 0
    """Lower is served earlier, under the priority policy."""
    cache_salt: str = ""
    """Prefixes are shared only between requests of equal salt."""
    tenant: str = ""
    """Who asks: tenants that wait together are served in proportion to their weights."""
    deadline_s: float = 0.0
    """Seconds from now within which the first token must come; 0 is no deadline."""
    name: str = ""
    """The request id that people see, for logs."""
    attempt: int = 0
    """How many engines have died with this request running."""
    reservation: int = 0
    """The `Reserve` that this is a part of; 0 is none."""
    answer_id: str = ""
    """The id of the answer that it is for, if that has one of its own."""
    received_s: float = 0.0
    """When the front end had the request, and when the request's tokens, on a clock that only it knows."""
    tokenized_s: float = 0.0
    sent_s: float = 0.0
    """The same clock as this leaves; 0 where it tells no times."""


class Embed(Message, frozen=True, tag=3):
    """Ask for a pooled hidden state of `prompt`. Engines that cannot answer `Refused(UNSUPPORTED)`."""

    id: int
    prompt: bytes
    dimensions: int = 0


class Abort(Message, frozen=True, tag=4):
    """Forget these requests. Unknown ids are ignored, so an Abort may be sent twice."""

    ids: list[int]
    is_complete: bool = False
    """Their answers are whole: the front end found the end, as in a stop string."""


class Control(Message, frozen=True, tag=5):
    """Ask for one `Result`."""

    id: int
    verb: ControlVerb
    payload: bytes = b""


class Ping(Message, frozen=True, tag=6):
    """Sent each heartbeat interval; `metrics` is an encoded metrics Snapshot, or empty if unchanged."""

    seq: int
    metrics: bytes = b""


class Leave(Message, frozen=True, tag=7):
    """The front end leaves for good; its requests are aborted and its metrics kept."""

    reason: str


class Reserve(Message, frozen=True, tag=8):
    """Ask for a place under the limits, for one request of any number of `Generate`s. Answered by a `Verdict`.

    `id` is unique within (frontend_id, epoch), beside those of requests. `certain` tokens are used once the first
    Generate was let in; of `possible` ones, those that the engine generates.
    """

    id: int
    subject: str
    """Whose limits: the name of a key's holder, or `addr:` and an address."""
    certain: int = 0
    possible: int = 0
    resumes: bool = False
    """An engine that is gone had granted it: it is granted, and no new request."""


class Settle(Message, frozen=True, tag=9):
    """These reservations are over. Unknown ids are ignored; no answer."""

    ids: list[int]


# ---- down: engine core -> front end


class ModelCard(Message, frozen=True):
    """What is being served, as the workers found it."""

    name: str
    max_model_len: int
    vocab_size: int
    dtype: str
    created: int
    """Unix seconds at which the model was loaded."""


class Limits(Message, frozen=True):
    """The bounds the engine enforces, so that a front end can refuse early and explain."""

    max_num_seqs: int
    max_num_batched_tokens: int
    max_queued_requests: int
    max_queued_tokens: int
    max_logprobs: int
    num_blocks: int
    block_size: int
    heartbeat_s: float
    """Both sides send at least this often."""
    silence_s: float
    """A peer silent for so long is taken for dead."""
    is_metered: bool = False
    """Whether there are limits: a front end should `Reserve`. A Welcome says so anew when that changes."""


class EngineStats(Message, frozen=True):
    """The load at one moment."""

    num_running: int = 0
    num_waiting: int = 0
    kv_cache_usage: float = 0.0
    """Share of the KV blocks that running sequences hold, 0 to 1."""
    busy: float = 0.0
    """Share of the last seconds that a model step was running, 0 to 1."""
    step_age_s: float = 0.0
    """Seconds since the last finished step while work waits; 0 when idle."""
    num_workers: int = 0
    num_frontends: int = 0
    draining: bool = False
    clock_s: float = 0.0
    """The engine's own clock at that moment: two of these give rates, whenever they were read."""
    num_prefilled_tokens: int = 0
    """Computed since the start in rows of more than one token: prompts, and what preemptions lost."""
    num_generated_tokens: int = 0
    num_queried_tokens: int = 0
    """Looked up in the prefix cache since the start; `num_hit_tokens` of them were found."""
    num_hit_tokens: int = 0
    num_preemptions: int = 0


class TokenLogprobs(Message, frozen=True):
    """Log probabilities of n consecutive tokens.

    `ids` (uint32) and `values` (float32) are row-major [n, width]: column 0 is the token itself, then
    the top ones (or the requested ids) in order. `ranks` (uint32) [n] is the token's rank, 1 the likeliest.
    """

    width: int
    ids: bytes
    values: bytes
    ranks: bytes


class Delta(Message, frozen=True):
    """New tokens of one sequence; `offset` counts output tokens before the first of them.

    A Delta whose end is at or below what the receiver has is a repeat and dropped; a gap is an error.
    """

    id: int
    offset: int
    token_ids: bytes
    finish: FinishReason | None = None
    stop_token: int | None = None
    logprobs: TokenLogprobs | None = None
    prompt_logprobs: TokenLogprobs | None = None
    """Of the next prompt tokens; arrives in order, a chunk of the prompt at a time, from token 1 on."""
    num_cached: int = 0
    """Prompt tokens that came from the prefix cache; on the first Delta."""
    queued_us: int = 0
    """Microseconds that it waited in the queue; on the first Delta."""


class Welcome(Message, frozen=True, tag=33):
    """Answers Hello. A changed `engine_epoch` means a new engine that knows no request of yours."""

    protocol_version: int
    engine_epoch: int
    card: ModelCard
    limits: Limits


class Tokens(Message, frozen=True, tag=34):
    """All that one step brought for one front end."""

    deltas: list[Delta]


class Result(Message, frozen=True, tag=35):
    """Answers one Control (or, one day, Embed)."""

    id: int
    payload: bytes


class Refused(Message, frozen=True, tag=36):
    """Request `id` will not be served (0: a message that did not decode). `retry_after_s` 0: do not retry."""

    id: int
    code: RefusalCode
    message: str
    retry_after_s: float = 0.0


class Pong(Message, frozen=True, tag=37):
    """Answers Ping."""

    seq: int
    stats: EngineStats


class Goodbye(Message, frozen=True, tag=38):
    """The sender leaves: from an engine, running streams will be continued by its successor, if any."""

    reason: str


class Meter(Message, frozen=True):
    """The window that is nearest to its limit."""

    limit: int
    remaining: int
    reset_s: float
    """Until all of it is free again."""


class Verdict(Message, frozen=True, tag=39):
    """Answers one Reserve. Where it is not granted, `retry_after_s` 0 means that waiting is no use."""

    id: int
    is_granted: bool
    message: str = ""
    """What is used up, for the person who asked."""
    retry_after_s: float = 0.0
    requests: Meter | None = None
    """None where nothing bounds their number."""
    tokens: Meter | None = None


Up = Hello | Generate | Embed | Abort | Control | Ping | Leave | Reserve | Settle
Down = Welcome | Tokens | Result | Refused | Pong | Goodbye | Verdict
