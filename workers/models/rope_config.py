"""Reads the rope keys of config.json, old and new, into RopeConfig. Knows no frequencies.

transformers 5 writes `rope_parameters`; before, `rope_scaling` stood beside `rope_theta` and
`partial_rotary_factor`. Where both speak, the nested key wins, as it does there.
"""

import math
from typing import get_args

from penstock.protocol.errors import ModelError
from penstock.workers.model_config import RopeConfig, RopeType
from penstock.workers.models.config_json import ConfigJson

_TYPES: tuple[RopeType, ...] = get_args(RopeType)


def read_rope(config: ConfigJson, head_dim: int) -> RopeConfig:
    rope = _section(config)
    type_ = _type(rope)
    max_position = config.integer("max_position_embeddings")
    original = _original_max_position(config, rope, type_, max_position)
    rotary_dim = _rotary_dim(rope, head_dim)
    factor = _factor(rope, type_, max_position / original)
    is_longrope = type_ == "longrope"
    return RopeConfig(
        type=type_,
        theta=rope.number("rope_theta"),
        rotary_dim=rotary_dim,
        original_max_position=original,
        factor=factor,
        attention_factor=_attention_factor(rope, type_, factor, original),
        low_freq_factor=rope.number("low_freq_factor", 1.0),
        high_freq_factor=rope.number("high_freq_factor", 4.0),
        beta_fast=rope.number("beta_fast", 32.0),
        beta_slow=rope.number("beta_slow", 1.0),
        truncate=rope.flag("truncate", True),
        short_factor=rope.numbers("short_factor", rotary_dim // 2) if is_longrope else (),
        long_factor=rope.numbers("long_factor", rotary_dim // 2) if is_longrope else (),
    )


def stretched_max_position(rope: RopeConfig, max_position: int) -> int:
    """The context a checkpoint claims: the types that stretch by `factor` name the length before it."""
    if rope.type in ("linear", "dynamic", "yarn"):
        return max(max_position, int(rope.original_max_position * rope.factor))
    return max_position


def _section(config: ConfigJson) -> ConfigJson:
    key = "rope_scaling" if config.section("rope_scaling").values else "rope_parameters"
    rope = config.section(key)
    if any(isinstance(value, dict) for value in rope.values.values()):
        raise ModelError(f"{config.where}: {key!r} differs by layer; supported: one for all layers")
    return rope.over(
        {
            "rope_theta": config.number("rope_theta", 10_000.0),
            "partial_rotary_factor": config.number("partial_rotary_factor", 1.0),
        }
    )


def _type(rope: ConfigJson) -> RopeType:
    key = "rope_type" if rope.has("rope_type") else "type"
    name = rope.text(key, "default")
    # Early Phi-3 files call it "su", or "yarn" although they carry LongRoPE's factors.
    if name == "su" or (name == "yarn" and rope.has("long_factor")):
        return "longrope"
    for type_ in _TYPES:
        if type_ == name:
            return type_
    raise rope.refusal(key, f"one of {', '.join(_TYPES)}")


def _rotary_dim(rope: ConfigJson, head_dim: int) -> int:
    rotary_dim = int(head_dim * rope.number("partial_rotary_factor"))
    if rotary_dim % 2 or not 0 < rotary_dim <= head_dim:
        raise rope.refusal("partial_rotary_factor", f"an even share of {head_dim} entries")
    return rotary_dim


def _original_max_position(
    config: ConfigJson, rope: ConfigJson, type_: RopeType, max_position: int
) -> int:
    """Phi-3 writes it at the top, where it wins; a file without it was never stretched."""
    key = "original_max_position_embeddings"
    if type_ in ("default", "linear", "dynamic"):
        return max_position
    return config.integer(key) if config.has(key) else rope.integer(key, max_position)


def _factor(rope: ConfigJson, type_: RopeType, implied: float) -> float:
    """YaRN and LongRoPE may leave it to the ratio of the two lengths; the others must say it."""
    if type_ in ("yarn", "longrope"):
        return rope.number("factor", implied)
    return rope.number("factor", 1.0 if type_ == "default" else None)


def _attention_factor(rope: ConfigJson, type_: RopeType, factor: float, original: int) -> float:
    if type_ == "yarn":
        return rope.number("attention_factor", _yarn_attention_factor(rope, factor))
    if type_ == "longrope":
        stretched = math.sqrt(1 + math.log(max(factor, 1.0)) / math.log(original))
        return rope.number("attention_factor", stretched)
    return 1.0


def _yarn_attention_factor(rope: ConfigJson, factor: float) -> float:
    mscale, all_dim = rope.number("mscale", 0.0), rope.number("mscale_all_dim", 0.0)
    if mscale and all_dim:
        return _mscale(factor, mscale) / _mscale(factor, all_dim)
    return _mscale(factor, 1.0)


def _mscale(factor: float, weight: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0
