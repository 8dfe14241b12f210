"""Where a checkpoint's tensor belongs in a model. Knows neither."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Rows `start` to `start + length` of a parameter; a tensor of that many rows belongs there."""

    parameter: str
    start: int
    length: int
