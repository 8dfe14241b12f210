"""Settings of `penstock serve` alone. Knows how many programs there are, not what they do."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from penstock.protocol.settings.field import described


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What `penstock serve` adds to the settings of the programs it starts."""

    explain: Annotated[
        Literal["text", "json"] | None,
        described(
            "Print what would be started, and where each value comes from, and end.", bare="text"
        ),
    ] = None
    api_server_count: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="How many api-frontend processes share the port.",
            extra={"flags": ["-asc"]},
        ),
    ] = 2
    frontend_program: Annotated[
        str | None,
        described(
            "A program to start in place of Penstock's own front ends, with their flags (docs/protocol.md); one of it, "
            "unless --api-server-count asks for more.",
            env=["PENSTOCK_FRONTEND_PROGRAM", "VLLM_RUST_FRONTEND_PATH"],
        ),
    ] = None
    runtime_dir: Annotated[
        str | None,
        described("Folder for the sockets between the programs (mode 0700); default: a fresh one."),
    ] = None
    start_timeout_s: Annotated[float, Meta(gt=0, description="Give up when not ready by then.")] = (
        900.0
    )
