"""What an operator may set, one frozen struct per program. Knows meaning and bounds, not flags or files (`flags`).

Each field carries its sentence of help. `extra` may hold: `flags` (further spellings), `env` (variables
read when no flag is given), `human` (8k, 2M, 1GiB and auto are understood), `lower`, `bare` (the word
meant by the flag alone), `secret` (never on a command line that Penstock writes) and `inert` (why it has no
effect here; said once when used).
"""

from penstock.protocol.settings.engine import EngineSettings
from penstock.protocol.settings.frontend import FrontendSettings
from penstock.protocol.settings.model import ModelSettings
from penstock.protocol.settings.serve import ServeSettings
from penstock.protocol.settings.worker import WorkerSettings

__all__ = ["EngineSettings", "FrontendSettings", "ModelSettings", "ServeSettings", "WorkerSettings"]
