"""Random rows of logits and ways to draw from them, and what each may give. Knows no sampler."""

import numpy as np

from penstock.kernels.draws import DRAW, Draws

BORDER = 1e-6
SHAPES = ("peaked", "spread", "flat", "ties", "equal", "masked", "outlier", "steep")


def draws(num_rows: int, **columns: object) -> Draws:
    """Neutral but for the named columns."""
    draws_R = np.zeros(num_rows, dtype=DRAW)
    draws_R["temperature"] = draws_R["top_p"] = 1
    for name, column in columns.items():
        draws_R[name] = column
    return draws_R


def random_draws(random: np.random.Generator, num_rows: int) -> Draws:
    """Any mixture of features, by row."""
    some = {
        "temperature": (0.0, 0.02, 0.7, 1.0, 1.0, 3.0, 100.0),
        "top_p": (1.0, 1.0, 0.999, 0.9, 0.5, 0.01),
        "min_p": (0.0, 0.0, 0.0, 1e-6, 0.05, 1.0),
        "top_k": (0, 0, 1, 3, 50, 200, 1500, 10**12),
    }
    columns = {name: random.choice(values, num_rows) for name, values in some.items()}
    return draws(num_rows, uniform=random.random(num_rows), **columns)


def random_logits(random: np.random.Generator, shape: str, num_rows: int, size: int) -> np.ndarray:
    """float32 rows of a kind that samplers meet, or fear."""
    normal = random.normal(size=(num_rows, size))
    values = {
        "peaked": normal * 2 + 12 * (random.random((num_rows, size)) < 0.01),
        "spread": normal * 2.5,
        "flat": normal * 0.05,
        "ties": np.round(normal * 4) / 2,
        "equal": np.full((num_rows, size), 1.5),
        "masked": np.where(random.random((num_rows, size)) < 0.02, normal, -np.inf),
        "outlier": normal + 1e4 * (np.arange(size) == size // 2),
        "steep": -np.exp(np.abs(normal) * 8),
    }[shape]
    values[:, random.integers(size)] = values[np.isfinite(values)].max()
    return values.astype(np.float32)


def may_draw(logits_V: np.ndarray, draw: np.void, token_id: int) -> bool:
    """Whether the definition, in float64, gives this token, or does within BORDER of the draw's numbers."""
    return any(
        low - BORDER <= draw["uniform"] <= high + BORDER
        for nudge in (0, BORDER, -BORDER)
        for low, high in [_part(logits_V, draw, token_id, nudge)]
    )


def _part(logits_V: np.ndarray, draw: np.void, token_id: int, nudge: float) -> tuple[float, float]:
    """The part of [0, 1) that draws the token; empty and beyond 1 where nothing does."""
    ids, weights = _left_by_filters(logits_V.astype(np.float64), draw, nudge)
    ends = np.cumsum(weights) / weights.sum()
    [place, *_] = [*np.flatnonzero((ids == token_id) & (weights > 0)), None]
    if place is None:
        return np.inf, np.inf
    return (ends[place - 1] if place else 0.0), ends[place]


def _left_by_filters(
    logits_V: np.ndarray, draw: np.void, nudge: float
) -> tuple[np.ndarray, np.ndarray]:
    if draw["temperature"] == 0:
        return np.array([logits_V.argmax()]), np.ones(1)
    weights = np.exp((logits_V - logits_V.max()) / draw["temperature"])
    if not (draw["top_k"] or draw["min_p"] or draw["top_p"] < 1):
        return np.arange(len(weights)), weights
    ids = np.argsort(-logits_V, kind="stable")[: draw["top_k"] or None]
    ids = ids[weights[ids] >= draw["min_p"]]
    if draw["top_p"] < 1:
        ends = np.cumsum(weights[ids])
        before = np.concatenate([[0], ends[:-1]])
        ids = ids[: max(1, np.count_nonzero(before < (draw["top_p"] + nudge) * ends[-1]))]
    return ids, weights[ids]
