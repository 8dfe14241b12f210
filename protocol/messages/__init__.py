"""Messages between front ends and the engine core. Knows their fields, not how they travel (`sockets`) or why.

Structs travel as msgpack arrays `[tag, field, ...]`: fields are only ever appended, with defaults,
so that an older reader skips what it does not know. docs/protocol.md says the same byte by byte.
"""

from penstock.protocol.messages.base import (
    PROTOCOL_VERSION,
    ControlVerb,
    FinishReason,
    Message,
    RefusalCode,
)
from penstock.protocol.messages.down import (
    Delta,
    Goodbye,
    Pong,
    Refused,
    Result,
    TokenLogprobs,
    Tokens,
    Welcome,
)
from penstock.protocol.messages.engine import EngineStats, Limits, ModelCard
from penstock.protocol.messages.limits import ADDRESS, Meter, Reserve, Settle, Verdict
from penstock.protocol.messages.up import Abort, Control, Embed, Generate, Hello, Leave, Ping

Up = Hello | Generate | Embed | Abort | Control | Ping | Leave | Reserve | Settle
Down = Welcome | Tokens | Result | Refused | Pong | Goodbye | Verdict

__all__ = [
    "ADDRESS",
    "PROTOCOL_VERSION",
    "Abort",
    "Control",
    "ControlVerb",
    "Delta",
    "Down",
    "Embed",
    "EngineStats",
    "FinishReason",
    "Generate",
    "Goodbye",
    "Hello",
    "Leave",
    "Limits",
    "Message",
    "Meter",
    "ModelCard",
    "Ping",
    "Pong",
    "RefusalCode",
    "Refused",
    "Reserve",
    "Result",
    "Settle",
    "TokenLogprobs",
    "Tokens",
    "Up",
    "Verdict",
    "Welcome",
]
