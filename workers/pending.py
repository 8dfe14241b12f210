"""A step that was launched, until it is collected. Knows what comes home and in which order, not how it was made.

R rows of the plan, N rows that sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from penstock.protocol.plan import RowFailure, RowLogprobs
from penstock.workers.device.stream import Arrival, Stream
from penstock.workers.sampler.logprobs import Columns
from penstock.workers.sampler.report import Report, answers
from penstock.workers.sampler.rows import Ints
from penstock.workers.sampler.sampler import Sampled
from penstock.workers.slots import Expected

NOT_YET = torch.empty(0, dtype=torch.int64)


@dataclass(slots=True)
class Pending:
    """In order: tokens, then reports of rows that sampled, then reports of prompts."""

    step: int
    launched_at: float
    rows_N: Ints
    """Which rows of the plan sampled."""
    sampled: Sampled
    prompts: list[tuple[int, Columns]]
    arrival: Arrival
    expected: Expected | None
    """None where nothing was sampled here, or once it is learned."""

    def token_ids(self) -> Ints:
        """Waits."""
        found: Ints = self.arrival.wait()[0].numpy()
        return found

    def logprobs(self) -> list[RowLogprobs]:
        """Waits."""
        if not self.sampled.reports:
            return []
        columns = self._columns()
        reports = [Report(rows, columns.pop(0)) for rows, _ in self.sampled.reports]
        return [RowLogprobs(int(self.rows_N[i]), found) for i, found in answers(reports)]

    def prompt_logprobs(self) -> list[RowLogprobs]:
        """Waits."""
        if not self.prompts:
            return []
        columns = self._columns()[len(self.sampled.reports) :]
        rows = [row for row, _ in self.prompts]
        return [RowLogprobs(row, found.pack()) for row, found in zip(rows, columns, strict=True)]

    def failures(self) -> list[RowFailure]:
        return [RowFailure(int(self.rows_N[i]), reason) for i, reason in self.sampled.failures]

    def _columns(self) -> list[Columns]:
        tensors = iter(self.arrival.wait()[1:])
        return [Columns(*three) for three in zip(tensors, tensors, tensors, strict=True)]


def start_home(stream: Stream, sampled: Sampled, prompts: Sequence[tuple[int, Columns]]) -> Arrival:
    """All that a step made, in the order in which `Pending` reads it."""
    if not sampled.reports and not prompts:
        return stream.bring([sampled.token_ids_R])
    columns = [*(found for _, found in sampled.reports), *(found for _, found in prompts)]
    tensors = (tensor for each in columns for tensor in each.tensors)
    return stream.bring([sampled.token_ids_R, *tensors])
