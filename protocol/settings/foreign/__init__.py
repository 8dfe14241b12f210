"""Settings of other servers, mostly vLLM's: known, and never in silence. Knows no setting of Penstock's own.

Each does nothing here and says why at start, or, where going on would not be what was asked for, ends
the start with what to do instead. The table is `ignored` and `refused`; a struct is made of it, so that
flags, files, variables, --help and docs/settings.md have them from the one declaration.
"""

import msgspec

from penstock.protocol.settings.foreign.ignored import IGNORED
from penstock.protocol.settings.foreign.refused import REFUSED

ForeignSettings = msgspec.defstruct(
    "ForeignSettings", [*IGNORED, *REFUSED], frozen=True, kw_only=True, module=__name__
)
ForeignSettings.__doc__ = (
    "Settings of other servers: accepted without effect, or refused with what to do instead."
)

__all__ = ["ForeignSettings"]
