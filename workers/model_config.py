"""What a decoder is made of, whichever family it comes from. Knows no files, no weights and no batch."""

from dataclasses import dataclass
from typing import Literal

DtypeName = Literal["bfloat16", "float16", "float32"]
RopeType = Literal["default", "linear", "dynamic", "llama3", "yarn", "longrope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeConfig:
    """How positions become rotations. Only the fields of its `type` mean anything."""

    type: RopeType
    theta: float
    rotary_dim: int
    """Even; the first `rotary_dim` entries of each head turn, the others pass."""
    original_max_position: int
    """The context the model was first trained on, before any stretching."""
    factor: float = 1.0
    attention_factor: float = 1.0
    """Scales cos and sin; resolved when the config is read, never None."""
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    short_factor: tuple[float, ...] = ()
    long_factor: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertsConfig:
    """A mixture of experts in place of the MLP, in some layers or all."""

    num_experts: int
    num_chosen: int
    """Experts that each token goes through."""
    width: int
    """Of one expert."""
    normalizes: bool
    """The weights of the chosen experts add up to 1."""
    layers: tuple[bool, ...]
    """Per layer: experts, or a plain MLP."""
    shared_width: int = 0
    """Of an MLP beside the experts that every token goes through, behind a gate; 0 is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The switches of the one decoder. Built once from config.json and never changed."""

    architecture: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rms_norm_eps: float
    max_position: int
    """The longest context the checkpoint claims to support."""
    rope: RopeConfig
    windows: tuple[int | None, ...]
    """Per layer: a token sees itself and the `window - 1` before it, or everything (None)."""
    dtype: DtypeName
    """What the checkpoint was saved in, by its name in torch: reading a config needs no torch."""
    tie_embeddings: bool
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    experts: ExpertsConfig | None = None

    @property
    def q_size(self) -> int:
        return self.num_heads * self.head_dim

    @property
    def kv_size(self) -> int:
        return self.num_kv_heads * self.head_dim

    @property
    def product_widths(self) -> tuple[int, ...]:
        """What products of its layers take in."""
        experts = self.experts
        widths = (self.hidden_size, self.q_size)
        if experts is None:
            return (*widths, self.intermediate_size)
        dense = () if all(experts.layers) else (self.intermediate_size,)
        shared = (experts.shared_width,) if experts.shared_width else ()
        return (*widths, *dense, experts.width, *shared)

    @property
    def kv_values_per_token(self) -> int:
        """Numbers that one token leaves in the cache: keys and values of all layers."""
        return 2 * self.num_layers * self.kv_size
