"""Settings of each request and its answer: deadlines, headers, what is logged. Knows HTTP, not models."""

from typing import Annotated, Literal

from msgspec import Meta

from penstock.protocol.settings.door import DoorSettings
from penstock.protocol.settings.field import described

HttpLogLevel = Literal["critical", "error", "warning", "info", "debug", "trace"]


class ExchangeSettings(DoorSettings, frozen=True, kw_only=True):
    """What holds for every request of one api-frontend, whatever it asks for."""

    request_timeout_s: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        described(
            "Longest an answer may take; beyond, 504. A request may ask for less: `timeout`, X-Request-Timeout.",
            flags=["--request-timeout"],
        ),
    ] = None
    max_queue_time_s: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        described("Longest a request may wait for its first token; beyond, 504."),
    ] = None
    sse_keep_alive_interval: Annotated[
        float,
        Meta(
            ge=0,
            description="A stream that has nothing to send says `: keep-alive` at least so often (seconds); 0: never. "
            "Once it has, a failure can be told by an event alone.",
        ),
    ] = 0.0
    enable_request_id_headers: Annotated[
        bool, described("Answers carry X-Request-Id: the request's own, or a fresh one.")
    ] = True
    enable_server_timing: Annotated[
        bool,
        described(
            "Answers carry Server-Timing: milliseconds of text, queue, prefill, decode, total."
        ),
    ] = True
    validation_status: Annotated[
        Literal[400, 422],
        described(
            "Status for a parameter whose value is out of bounds; what is no valid body is always 400."
        ),
    ] = 400
    access_log: Annotated[
        bool,
        described("Log one line for each request.", opposites=["--disable-uvicorn-access-log"]),
    ] = True
    disable_access_log_for_endpoints: Annotated[
        list[str],
        described("Paths whose requests are not logged; probes never are.", listed=True),
    ] = []
    uvicorn_log_level: Annotated[
        HttpLogLevel | None,
        described("How much to log of HTTP; default: as --log-level says.", lower=True),
    ] = None
    enable_log_requests: Annotated[
        bool,
        described(
            "Log what requests say: prompt and sampling parameters.",
            opposites=["--disable-log-requests"],
        ),
    ] = False
    max_log_len: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        described("Most characters of a prompt in the log; default: all.", human=True),
    ] = None
