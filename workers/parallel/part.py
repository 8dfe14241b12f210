"""Which part of a model a rank holds: a share of each layer of one stage. Knows numbers, no tensors and no peers.

    layers 0..15   stage 0:  rank 0 | rank 1        within a stage every rank holds a share of each layer:
    layers 16..31  stage 1:  rank 2 | rank 3        its heads, its part of the MLP, its rows of the vocabulary

Shares as in Megatron-LM (Shoeybi et al. 2019): products whose outputs are split, then products whose inputs are.
"""

from dataclasses import dataclass, replace

from penstock.protocol.errors import ModelError
from penstock.workers.model_config import ExpertsConfig, ModelConfig


@dataclass(frozen=True, slots=True)
class Part:
    """Share `rank` of `size`, of stage `stage` of `num_stages`."""

    rank: int = 0
    size: int = 1
    stage: int = 0
    num_stages: int = 1

    @property
    def is_whole(self) -> bool:
        return self.size == self.num_stages == 1

    @property
    def is_first(self) -> bool:
        """It turns tokens into states."""
        return self.stage == 0

    @property
    def is_last(self) -> bool:
        """It turns states into logits."""
        return self.stage == self.num_stages - 1

    @property
    def leads(self) -> bool:
        """It alone samples, and answers the engine core."""
        return self.is_last and self.rank == 0

    def layers(self, num_layers: int) -> range:
        """Stages differ by one layer at most; the later ones, which hold no embedding, have more."""
        return range(
            self.stage * num_layers // self.num_stages,
            (self.stage + 1) * num_layers // self.num_stages,
        )

    def vocab(self, vocab_size: int) -> range:
        """Equal shares, but for the last."""
        return _share(self.rank, -(-vocab_size // self.size), vocab_size)

    def heads(self, config: ModelConfig) -> range:
        return _share(self.rank, config.num_heads // self.size, config.num_heads)

    def kv_heads(self, config: ModelConfig) -> range:
        """Those that its heads attend to: where there are fewer than ranks, several hold the same."""
        group = config.num_heads // config.num_kv_heads
        heads = self.heads(config)
        return range(heads.start // group, (heads.stop - 1) // group + 1)

    def width(self, total: int) -> range:
        """Of the inner states of an MLP, or of each expert."""
        return _share(self.rank, total // self.size, total)

    def of(self, config: ModelConfig) -> ModelConfig:
        """The model as this rank computes it. Raises ModelError where it cannot be split so."""
        if self.is_whole:
            return config
        self._check(config)
        layers = self.layers(config.num_layers)
        return replace(
            config,
            num_layers=len(layers),
            windows=config.windows[layers.start : layers.stop],
            num_heads=len(self.heads(config)),
            num_kv_heads=len(self.kv_heads(config)),
            intermediate_size=len(self.width(config.intermediate_size)),
            experts=config.experts and self._of_experts(config.experts, layers),
        )

    def _of_experts(self, experts: ExpertsConfig, layers: range) -> ExpertsConfig:
        return replace(
            experts,
            width=len(self.width(experts.width)),
            shared_width=len(self.width(experts.shared_width)),
            layers=experts.layers[layers.start : layers.stop],
        )

    def _check(self, config: ModelConfig) -> None:
        size, flag = self.size, f"--tensor-parallel-size {self.size}"
        experts = config.experts
        for count, what in (
            (config.num_heads, "attention heads"),
            (config.intermediate_size, "inner states of its MLP"),
            (experts.width if experts else 0, "inner states of an expert"),
            (experts.shared_width if experts else 0, "inner states of the shared expert"),
        ):
            if count % size:
                raise ModelError(f"{flag} does not divide this model's {count} {what}")
        if config.num_kv_heads % size and size % config.num_kv_heads:
            raise ModelError(
                f"{flag} neither divides this model's {config.num_kv_heads} KV heads nor is a multiple of them"
            )
        if config.num_layers < self.num_stages:
            raise ModelError(
                f"--pipeline-parallel-size {self.num_stages}: this model has {config.num_layers} layers"
            )


WHOLE = Part()


def part_of_rank(rank: int, tensor_parallel_size: int, pipeline_parallel_size: int) -> Part:
    """Ranks are counted stage by stage."""
    stage, share = divmod(rank, tensor_parallel_size)
    assert stage < pipeline_parallel_size, (rank, tensor_parallel_size, pipeline_parallel_size)
    return Part(share, tensor_parallel_size, stage, pipeline_parallel_size)


def _share(rank: int, length: int, total: int) -> range:
    return range(min(rank * length, total), min((rank + 1) * length, total))
