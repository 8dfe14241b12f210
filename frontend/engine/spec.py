"""What a request asks of the engine. Knows no engine and no attempt."""

import msgspec

from penstock.protocol.sampling import SamplingParams


class GenerateSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One sequence to generate; a request with n choices is n of these."""

    prompt: bytes
    """Packed ids (`protocol.token_ids`)."""
    params: SamplingParams
    priority: int = 0
    cache_salt: str = ""
    tenant: str = ""
    deadline_s: float = 0.0
    """Seconds from the opening of the stream within which the first token must come; 0 is none."""
    name: str = ""
    """The request id that people see."""
    arrived_s: float = 0.0
    """When the request came, on time.monotonic's clock; 0 is the opening of the stream. For metrics."""
    reservation: int = 0
    """The place under the engine's limits that it is a part of; 0 is none."""
    answer_id: str = ""
    """The id of the answer, for who asks after it."""
    tokenized_s: float = 0.0
    """When `prompt` was made; as `arrived_s`."""
    emitted: bytes = b""
    """What was generated already, packed: only what comes behind it is wanted."""
