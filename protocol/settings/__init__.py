"""What an operator may set, one frozen struct per program. Knows meaning and bounds, not flags or files (`flags`).

Each field carries its sentence of help. `extra` may hold: `flags` (further spellings), `opposites` (flags
that turn it off), `env` (variables read when no flag is given; `env_units`: those that count in a unit;
`env_whole`: those that are one item of a list, commas and all),
`variable` (there is no flag), `human` (8k, 2M, 1GiB and auto are understood),
`automatic` (nothing given is not nothing: the program finds it), `lower`, `bare` (the word meant
by the flag alone), `listed` (a word may itself be a list: JSON, or with commas), `once` (why two values are
refused), `secret` (never on a command line that Penstock writes), `inert` (why it has no effect here; said once
when used) and `refused` (what to do instead; ends the start). The last two may also be reasons by value.
"""

import msgspec

from penstock.protocol.settings.engine import EngineSettings
from penstock.protocol.settings.foreign import ForeignSettings
from penstock.protocol.settings.frontend import FrontendSettings
from penstock.protocol.settings.model import ModelSettings
from penstock.protocol.settings.serve import ServeSettings
from penstock.protocol.settings.worker import WorkerSettings

SERVE_STRUCTS: list[type[msgspec.Struct]] = [
    ServeSettings,
    FrontendSettings,
    EngineSettings,
    ForeignSettings,
]
"""What `penstock serve` reads, in the order of its help."""

__all__ = [
    "SERVE_STRUCTS",
    "EngineSettings",
    "ForeignSettings",
    "FrontendSettings",
    "ModelSettings",
    "ServeSettings",
    "WorkerSettings",
]
