"""From front ends to the engine core. Knows fields, not what becomes of them."""

from penstock.protocol.messages.base import ControlVerb, Message
from penstock.protocol.sampling import SamplingParams


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
