"""The worker's first words, guessed before there is one. Knows the checkpoint and the machine, not scheduling.

The engine core decides from a `WorkerHello`; given this one it decides the same, but for what else takes or
frees memory until the weights are loaded.
"""

from pathlib import Path
from typing import NamedTuple

from penstock.explain.checkpoint import shaped_parameters, stored_parameters
from penstock.explain.devices import Gpu, usable_gpus
from penstock.explain.gpu import RankPlan, plan_ranks
from penstock.explain.kernels import describe_kernels
from penstock.protocol import model_path
from penstock.protocol.plan import WorkerHello
from penstock.protocol.settings import EngineSettings
from penstock.workers.host_memory import Memory, host_memory, share, swap_share
from penstock.workers.kv_dtype import ITEM_BYTES, kv_dtype
from penstock.workers.model_config import ModelConfig
from penstock.workers.models.families import read_model_config
from penstock.workers.native.suited import kv_values_per_token

QUANTIZED_BYTES: dict[str | None, float] = {
    "int8": 1 + 2 / 32,
    "int4": 0.5 + 2 / 32,
    "fp8": 1.0,
}
"""Bytes a weight, its share of the group's scale included; norms and biases are nothing beside them."""
SERVED = {"half": "float16", "float": "float32"}
WORKER_BASE_BYTES = 250 << 20
"""A worker's resident memory besides weights and cache, as measured with models of 5 M to 500 M parameters."""
ENGINE_BYTES = 32 << 20
FRONTEND_BASE_BYTES = 50 << 20
FRONTEND_BYTES_PER_TOKEN = 400
"""Of the vocabulary: what a tokenizer takes."""


class Estimate(NamedTuple):
    """What is known of a model before anything is started."""

    folder: Path
    config: ModelConfig
    num_parameters: int
    memory: Memory
    hellos: list[WorkerHello]
    """One on CPUs, where ranks are alike; of each rank on GPUs."""
    gpus: list[Gpu]
    ranks: list[RankPlan]
    """On GPUs."""
    kernels: str
    """In words."""

    @property
    def hello(self) -> WorkerHello:
        return self.hellos[0]


def estimate(settings: EngineSettings) -> Estimate:
    """Raises ModelError, or SettingsError for a GPU that is not there."""
    folder = model_path.find_model(settings)
    config = read_model_config(folder)
    is_dummy = settings.load_format == "dummy"
    parameters = shaped_parameters(config) if is_dummy else stored_parameters(folder, config)
    memory, gpus = host_memory(), [] if settings.device == "cpu" else usable_gpus()
    device = "cuda" if gpus or settings.device == "cuda" else "cpu"
    dtype = served_dtype(settings, config)
    kernels = describe_kernels(settings, config, dtype, device)
    if device == "cpu":
        per_token = _kv_bytes_per_token(settings, config, dtype, kernels)
        hello = _hello(settings, config, parameters, memory, per_token)
        return Estimate(folder, config, parameters, memory, [hello], [], [], kernels)
    ranks = plan_ranks(settings, config, dtype, gpus, memory)
    hellos = [rank.hello for rank in ranks]
    return Estimate(folder, config, parameters, memory, hellos, gpus, ranks, kernels)


def served_dtype(settings: EngineSettings, config: ModelConfig) -> str:
    asked = settings.dtype
    return config.dtype if asked == "auto" else SERVED.get(asked, asked)


def frontend_bytes(config: ModelConfig) -> int:
    return FRONTEND_BASE_BYTES + FRONTEND_BYTES_PER_TOKEN * config.vocab_size


def _kv_bytes_per_token(
    settings: EngineSettings, config: ModelConfig, dtype: str, kernels: str
) -> int:
    """Native kernels pad values."""
    is_native = kernels.startswith("native")
    values = kv_values_per_token(config) if is_native else config.kv_values_per_token
    return values * ITEM_BYTES[kv_dtype(settings.kv_cache_dtype, dtype)]


def _hello(
    settings: EngineSettings, config: ModelConfig, parameters: int, memory: Memory, per_token: int
) -> WorkerHello:
    dtype = served_dtype(settings, config)
    weights_bytes = int(parameters * QUANTIZED_BYTES.get(settings.quantization, ITEM_BYTES[dtype]))
    left = Memory(memory.total, max(0, memory.free - weights_bytes - WORKER_BASE_BYTES))
    wanted = settings.kv_cache_memory_bytes
    kv_bytes = share(left, settings.gpu_memory_utilization) if wanted is None else wanted
    return WorkerHello(
        rank=0,
        pid=0,
        dtype=dtype,
        vocab_size=config.vocab_size,
        max_position=config.max_position,
        kv_bytes_per_token=per_token,
        kv_bytes_available=kv_bytes,
        weights_bytes=weights_bytes,
        load_s=0.0,
        device="cpu",
        swap_bytes_available=swap_share(left.free, kv_bytes),
    )
