"""Decides whether the native kernels serve a model, and makes them ready. Knows when they cannot, not what they do."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from penstock.kernels.cpu.compiler import CompileError
from penstock.kernels.cpu.library import DTYPE_NAMES, Library
from penstock.kernels.cpu.program import Team
from penstock.kernels.cpu.quant_weights import Bits
from penstock.kernels.cpu.sample import NativeSampling
from penstock.protocol.errors import ModelError
from penstock.protocol.plan import Configure
from penstock.protocol.settings.worker import KVCacheDtype
from penstock.workers.model_config import ModelConfig
from penstock.workers.native.building import Building
from penstock.workers.native.forward import NativeForward
from penstock.workers.native.products import PlainProducts, Products, QuantizedProducts
from penstock.workers.native.suited import kv_values_per_token, not_quantizable, unsuited
from penstock.workers.native.weights import Weights, pack_weights
from penstock.workers.quantization import NO_E4M3, Quantization, refusal
from penstock.workers.slots import Slots
from penstock.workers.weights.loader import OpenModel

log = logging.getLogger("penstock.worker")

Choice = Literal["auto", "native", "reference"]
BITS: Mapping[Quantization, Bits] = MappingProxyType({"int8": Bits.INT8, "int4": Bits.INT4})
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class NativeModel:
    """Packed weights and the threads that will read them."""

    config: ModelConfig
    weights: Weights
    products: Products
    library: Library
    team: Team

    @property
    def kv_bytes_per_token(self) -> int:
        """As the cache will take them."""
        return kv_values_per_token(self.config) * self.weights.norm.dtype.itemsize

    def forward(self, shape: Configure, slots: Slots) -> NativeForward:
        """Allocates the cache, and all that lies between operations."""
        return NativeForward(
            self.config, self.weights, self.products, shape, slots, self.library, self.team
        )

    def sampling(self) -> NativeSampling:
        return NativeSampling(self.library, self.team)


class NativeKernels:
    """Their library is built, or looked for, while the checkpoint is opened: by `building`, if that has begun."""

    def __init__(
        self, choice: Choice, quantization: Quantization | None, building: Building | None
    ) -> None:
        self._choice = choice
        self._quantization: Quantization | None = quantization
        self._building = None if choice == "reference" else building or Building()

    def take(
        self,
        opened: OpenModel,
        block_size: int,
        kv_cache_dtype: KVCacheDtype,
        num_threads: int,
        progress: Progress,
    ) -> NativeModel | None:
        """Packs the weights; None where torch or a GPU has to do.

        Raises ModelError when native kernels were asked for by name and cannot be had, and when rounded weights
        were and only torch could serve them, which would be slower than not to round.
        """
        if self._building is None:
            return None
        if self._quantization == "fp8":
            self._refuse_quantization(NO_E4M3)
        try:
            library = Library(self._building.library(progress))
        except (CompileError, OSError) as error:
            self._go_without(str(error), "install g++, or set CXX; the build is kept")
            return None
        dtype = str(opened.dtype).removeprefix("torch.")
        if reason := unsuited(opened.config, dtype, block_size, kv_cache_dtype):
            self._go_without(reason, "nothing is wrong, only slow")
            return None
        if self._quantization and (reason := not_quantizable(opened.config)):
            self._refuse_quantization(reason)
        return self._pack(opened, library, num_threads, progress)

    def _pack(
        self, opened: OpenModel, library: Library, num_threads: int, progress: Progress
    ) -> NativeModel:
        team = Team(library, [-1] * (num_threads - 1))
        products = self._products(library, team)
        weights = pack_weights(opened, products, progress)
        name = self._quantization or DTYPE_NAMES[opened.dtype]
        log.info("native kernels on %d threads, weights in %s", team.size, name)
        return NativeModel(opened.config, weights, products, library, team)

    def _products(self, library: Library, team: Team) -> Products:
        if self._quantization is None:
            return PlainProducts(library, team)
        return QuantizedProducts(library, team, BITS[self._quantization])

    def _refuse_quantization(self, reason: str) -> None:
        if self._quantization is not None:
            raise refusal(self._quantization, reason)

    def _go_without(self, reason: str, advice: str) -> None:
        if self._choice == "native":
            raise ModelError(f"--cpu-kernels native is not possible here: {reason}")
        self._refuse_quantization(reason)
        log.warning(
            "no native kernels, so torch's serve, several times slower: %s (%s)", reason, advice
        )
