"""When each part of an answer came. Knows clocks and counts, not HTTP and not what they mean together."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One request as the client saw it. Times are seconds of one monotonic clock."""

    started: float
    """When the request was about to be written."""
    num_input_tokens: int
    wanted_output_tokens: int | None = None
    times: list[float] = field(default_factory=list)
    """When each chunk that carries output arrived."""
    num_output_tokens: int = 0
    counted: bool = False
    """Whether the server told the number of output tokens; else chunks were counted."""
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def ttft_s(self) -> float:
        """To the first output."""
        return self.times[0] - self.started

    @property
    def e2el_s(self) -> float:
        """To the last output."""
        return self.times[-1] - self.started

    @property
    def tpot_s(self) -> float | None:
        """Per output token after the first; None for an answer of one token."""
        if self.num_output_tokens < 2:
            return None
        return (self.times[-1] - self.times[0]) / (self.num_output_tokens - 1)

    @property
    def itls_s(self) -> list[float]:
        """Between one chunk of output and the next."""
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]


@dataclass(frozen=True, slots=True)
class Run:
    """All requests of one run, in the order of their samples."""

    records: list[Record]
    started: float
    duration_s: float
    client_cpu_s: float
    """CPU time of the client during the run, all threads."""

    @property
    def good(self) -> list[Record]:
        return [record for record in self.records if record.ok]

    @property
    def errors(self) -> list[str]:
        return [record.error for record in self.records if record.error is not None]
