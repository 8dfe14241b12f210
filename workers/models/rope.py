"""Turns positions into cosines and sines. Knows neither heads nor layers.

Legend: T tokens, P positions, E half the rotary dimension.

Two kinds of rope change with length: dynamic NTK beyond the trained context, LongRoPE on either side of
the original one. transformers looks at the sequence as it is now and lets old keys keep their old angles;
over a cache that is shared and rebuilt, the same text would then give different keys. So the longest
context that may be served decides, once: at or below the threshold both are exactly transformers' short
form, above it every token uses the long form.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from penstock.workers.model_config import RopeConfig, RopeType


class Rope:
    """`max_model_len` is the longest context that will be served."""

    def __init__(self, config: RopeConfig, max_model_len: int, device: torch.device) -> None:
        self._inv_freq_E = inverse_frequencies(config, max_model_len).to(device)
        self._attention_factor = config.attention_factor

    def cos_sin(
        self, positions_T: torch.Tensor, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Angles in float32; no table, since a step's few cosines cost less than its lookups."""
        angles_TE = positions_T[:, None].float() * self._inv_freq_E
        cos_TE = angles_TE.cos() * self._attention_factor
        sin_TE = angles_TE.sin() * self._attention_factor
        return cos_TE.to(dtype), sin_TE.to(dtype)


def rope_tables(
    config: RopeConfig, max_model_len: int, num_positions: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the first positions, float32 [P, E] on the CPU."""
    rope = Rope(config, max_model_len, torch.device("cpu"))
    return rope.cos_sin(torch.arange(num_positions), torch.float32)


def inverse_frequencies(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    return _FORMULAS[config.type](config, max_model_len)


def _plain(config: RopeConfig, theta: float) -> torch.Tensor:
    exponent_E = torch.arange(0, config.rotary_dim, 2, dtype=torch.float32) / config.rotary_dim
    return 1.0 / (theta**exponent_E)


def _default(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    return _plain(config, config.theta)


def _linear(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    return _plain(config, config.theta) / config.factor


def _dynamic(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    trained = config.original_max_position
    stretch = config.factor * max(max_model_len, trained) / trained - (config.factor - 1)
    exponent = config.rotary_dim / (config.rotary_dim - 2)
    return _plain(config, config.theta * stretch**exponent)


def _llama3(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    """High frequencies stay, low ones are divided, those between blend from one to the other."""
    plain_E = _plain(config, config.theta)
    turns_E = config.original_max_position * plain_E / (2 * math.pi)
    width = config.high_freq_factor - config.low_freq_factor
    keep_E = ((turns_E - config.low_freq_factor) / width).clamp(0, 1)
    return (1 - keep_E) * plain_E / config.factor + keep_E * plain_E


def _yarn(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    plain_E = _plain(config, config.theta)
    low, high = _yarn_range(config)
    ramp_E = (torch.arange(config.rotary_dim // 2, dtype=torch.float32) - low) / (high - low)
    keep_E = 1 - ramp_E.clamp(0, 1)
    return (1 - keep_E) * plain_E / config.factor + keep_E * plain_E


def _yarn_range(config: RopeConfig) -> tuple[float, float]:
    """The entries between which YaRN goes over from keeping a frequency to dividing it."""
    low, high = _yarn_entry(config, config.beta_fast), _yarn_entry(config, config.beta_slow)
    if config.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, config.rotary_dim - 1)
    return low, high + 0.001 if low == high else high


def _yarn_entry(config: RopeConfig, turns: float) -> float:
    """The entry that turns so many times over the original context."""
    ratio = config.original_max_position / (turns * 2 * math.pi)
    return config.rotary_dim * math.log(ratio) / (2 * math.log(config.theta))


def _longrope(config: RopeConfig, max_model_len: int) -> torch.Tensor:
    is_long = max_model_len > config.original_max_position
    factor_E = torch.tensor(config.long_factor if is_long else config.short_factor)
    return _plain(config, config.theta) / factor_E


_FORMULAS: Mapping[RopeType, Callable[[RopeConfig, int], torch.Tensor]] = MappingProxyType(
    {
        "default": _default,
        "linear": _linear,
        "dynamic": _dynamic,
        "llama3": _llama3,
        "yarn": _yarn,
        "longrope": _longrope,
    }
)
