"""Shapes that people serve, as one rank has them, and the loads they are measured under. Knows sizes only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`width` is the MLP's, or each expert's."""

    name: str
    hidden: int
    num_heads: int
    num_kv_heads: int
    width: int
    vocabulary: int
    head_dim: int = 128
    num_experts: int = 0
    num_chosen: int = 0

    def on(self, ranks: int) -> "Model":
        """The share of each of so many ranks; the sampler sees the whole vocabulary on one of them."""
        assert self.num_heads % ranks == 0, (self.name, ranks)
        return replace(
            self,
            name=f"{self.name} at TP {ranks}",
            num_heads=self.num_heads // ranks,
            num_kv_heads=max(1, self.num_kv_heads // ranks),
            width=self.width // ranks,
        )


@dataclass(frozen=True, slots=True)
class Loads:
    """Rows that decode together, the tokens in the cache of each, and tokens of a prompt."""

    batches: tuple[int, ...]
    contexts: tuple[int, ...]
    prompts: tuple[int, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """Tokens of a step, of either kind."""
        return self.batches + self.prompts


_LLAMA_70B = Model(
    name="Llama-3-70B", hidden=8192, num_heads=64, num_kv_heads=8, width=28672, vocabulary=128_256
)
TINY = "tiny"
MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "llama-3-8b": Model(
            name="Llama-3-8B", hidden=4096, num_heads=32, num_kv_heads=8, width=14336,
            vocabulary=128_256,
        ),
        "qwen2.5-7b": Model(
            name="Qwen2.5-7B", hidden=3584, num_heads=28, num_kv_heads=4, width=18944,
            vocabulary=152_064,
        ),
        "llama-3-70b-tp8": _LLAMA_70B.on(8),
        "mixtral-8x7b": Model(
            name="Mixtral-8x7B", hidden=4096, num_heads=32, num_kv_heads=8, width=14336,
            vocabulary=32_000, num_experts=8, num_chosen=2,
        ),
        TINY: Model(
            name="tiny", hidden=64, num_heads=4, num_kv_heads=2, width=96, vocabulary=300,
            head_dim=16, num_experts=4, num_chosen=2,
        ),
    }
)  # fmt: skip
REAL = tuple(name for name in MODELS if name != TINY)
LOADS = Loads(batches=(1, 16, 64), contexts=(1024, 8192), prompts=(2048, 8192))
TINY_LOADS = Loads(batches=(1, 3), contexts=(40,), prompts=(20,))
