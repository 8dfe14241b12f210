"""What is written of a response that no front end goes on with. Knows its record, not why it is given up."""

from typing import Any

import msgspec

from penstock.frontend.responses.shapes import ResponseFault
from penstock.frontend.responses.store import Claim, End, Progress
from penstock.frontend.responses.writer import frame
from penstock.frontend.sse import json


def given_up(claim: Claim, reason: str) -> tuple[Progress, End]:
    """Its last event, behind those that are kept, and its end."""
    response: dict[str, Any] = msgspec.json.decode(claim.record.response)
    fault = ResponseFault("server_error", f"The response could not be continued: {reason}")
    response |= {"status": "failed", "error": fault}
    last = frame(claim.num_frames, {"type": "response.failed", "response": response})
    return Progress(b"", [last]), End("failed", json(response))
