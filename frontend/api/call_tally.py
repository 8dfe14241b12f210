"""Counts a request's tokens, and its answers with and without calls. Knows readers, not what they read."""

from collections.abc import Sequence

from penstock.frontend.api.chat_reader import Reader
from penstock.frontend.api.shapes import Tally
from penstock.frontend.prompts import ValidRequest
from penstock.protocol.metrics import Registry


class CallTally(Tally):
    """For answers in which there may be calls; `request_type` is the API's name in the metrics."""

    def __init__(self, request: ValidRequest, readers: Sequence[Reader], request_type: str) -> None:
        super().__init__(request)
        self._readers = readers
        self._mode = "streaming" if request.stream else "non_streaming"
        self._request_type = request_type

    def record(self, registry: Registry) -> None:
        """See `Tally`. Each answer counts once, however it is sent."""
        super().record(registry)
        for reader in self._readers:
            if reader.num_calls is not None:
                registry.inc(
                    "vllm:tool_call_parser_invocations_total",
                    mode=self._mode,
                    outcome="tool_call" if reader.num_calls else "no_tool_call",
                    request_type=self._request_type,
                )
