"""One rank from start to end: load, hello, configure, then plans in and results out. Knows no tensor's insides."""

import logging
import os
import time
from pathlib import Path

import torch

from penstock.protocol.errors import ModelError, PenstockError, SettingsError
from penstock.protocol.model_path import find_tokenizer
from penstock.protocol.plan import (
    Configure,
    WorkerFault,
    WorkerHello,
    WorkerReady,
)
from penstock.protocol.settings import WorkerSettings
from penstock.protocol.step_bounds import StepBounds, step_bounds
from penstock.workers.backend import backend_on
from penstock.workers.cache_kind import CacheKind, cache_kind
from penstock.workers.device.own import own_device
from penstock.workers.device.streams import stream_on
from penstock.workers.faults import Circumstances, Phase, explain
from penstock.workers.forward import TorchForward
from penstock.workers.gpu_budget import measured_budget
from penstock.workers.gpu_share import GIB
from penstock.workers.grammar.checks import Checks
from penstock.workers.grammar.compiler import Compiler
from penstock.workers.grammar.masks import Masks
from penstock.workers.host_copies.away import NOTHING, Away, resident_bytes
from penstock.workers.host_copies.queues import queues_of
from penstock.workers.host_copies.swapper import Swapper
from penstock.workers.kv_cache import KVCache, kv_bytes_per_token
from penstock.workers.lacking import NO_GPU
from penstock.workers.link import Link, LinkSettings
from penstock.workers.memory import CudaMemory, kv_bytes_on_host, swap_bytes_available
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.native.building import Building
from penstock.workers.native.start import NativeKernels, NativeModel
from penstock.workers.notices import tell_of_flags
from penstock.workers.orders import carry_out
from penstock.workers.parallel.company import NOBODY, Company
from penstock.workers.parallel.followers import token_source
from penstock.workers.parallel.join import company, join
from penstock.workers.parallel.part import part_of_rank
from penstock.workers.runner import ModelRunner
from penstock.workers.sampler.ops import sampling_on
from penstock.workers.sampler.sampler import Sampler
from penstock.workers.slots import Slots
from penstock.workers.threads import worthwhile
from penstock.workers.weights.loader import OpenModel, materialize, open_model

log = logging.getLogger("penstock.worker")


class Worker:
    """Answers every plan in order; any exception is a WorkerFault and the end."""

    def __init__(
        self,
        link: Link,
        place: LinkSettings,
        settings: WorkerSettings,
        building: Building | None = None,
    ) -> None:
        self._link = link
        self._place = place
        self._settings = settings
        self._part = part_of_rank(
            place.rank, place.tensor_parallel_size, place.pipeline_parallel_size
        )
        self._device = own_device(place.rank, settings.device)
        self._found = Circumstances(settings, device=self._device.type)
        native = self._device.type == "cpu" and self._part.is_whole
        self._kernels = NativeKernels(
            settings.cpu_kernels if native else "reference", settings.quantization, building
        )
        self._compiler: Compiler | None = None
        self._cache_kind: CacheKind
        self._graph_bytes: int | None = None

    def run(self) -> int:
        """The exit status."""
        try:
            self._serve()
        except Exception as error:
            message, advice = explain(error, self._found)
            if not isinstance(error, PenstockError):  # what is expected, the engine core tells
                log.error("%s %s", message, advice, exc_info=error)
            final = isinstance(error, SettingsError | ModelError)
            self._link.send(WorkerFault(self._place.rank, message, advice, final))
            return 1
        return 0

    def _serve(self) -> None:
        runner = self._start()
        if runner is None:
            return
        if self._compiler is not None:
            self._compiler.load()
        carry_out(self._link, runner, self._compiler, self._link.send if self._part.leads else None)
        if self._compiler is not None:
            self._compiler.close()

    def _start(self) -> ModelRunner | None:
        """None when the engine core leaves first."""
        model = self._load()
        shape = self._link.configuration()
        if shape is None:
            return None
        self._link.progress("allocating the KV cache", 0.0)
        bounds = StepBounds(shape.max_num_batched_tokens, shape.max_num_seqs)
        self._found.bounds, self._found.num_blocks = bounds, shape.num_blocks
        self._found.phase = Phase.CACHE
        runner = self._make_runner(model, shape)
        self._found.phase = Phase.STEPS
        self._link.send(WorkerReady(self._place.rank))
        return runner

    def _load(self) -> DecoderModel | NativeModel:
        started, settings = time.monotonic(), self._settings
        if settings.device == "cuda" and self._device.type != "cuda":
            raise SettingsError(NO_GPU)
        opened = open_model(
            Path(self._place.model_dir),
            dtype=dtype_named(settings.dtype),
            load_format=settings.load_format,
            seed=settings.seed,
            part=self._part,
        )
        self._found.weights_bytes = 0 if settings.quantization else opened.nbytes()
        self._cache_kind = cache_kind(settings, opened, self._part, Path(self._place.model_dir))
        model = self._native(opened) or self._materialize(opened)
        is_native, device = isinstance(model, NativeModel), self._device.type
        tell_of_flags(settings, device, "native" if is_native else device, self._part.size)
        load_s = time.monotonic() - started
        self._link.send(self._hello(opened, model, load_s))
        return model

    def _native(self, opened: OpenModel) -> NativeModel | None:
        num_threads, settings = self._num_threads(opened), self._settings
        native = self._kernels.take(
            opened, settings.block_size, settings.kv_cache_dtype, num_threads, self._link.progress
        )
        torch.set_num_threads(
            1 if native else num_threads
        )  # two teams would take each other's cores
        if native:
            self._found.weights_bytes = native.weights.nbytes()
        return native

    def _materialize(self, opened: OpenModel) -> DecoderModel:
        backend = backend_on(self._device, batch_invariant=self._settings.batch_invariant)
        company, away = self._company(opened), self._away()
        model = materialize(
            opened, self._device, None, self._link.progress, company, backend, away,
            self._settings.quantization,
        )  # fmt: skip
        self._found.weights_bytes = resident_bytes(model)
        return model

    def _away(self) -> Away:
        """What of the weights a GPU is to be spared. Raises SettingsError."""
        settings = self._settings
        if self._device.type == "cpu" or not settings.cpu_offload_gb:
            return NOTHING
        return Away(int(settings.cpu_offload_gb * GIB), queues_of(self._device))

    def _kv_bytes_per_token(self, model: DecoderModel | NativeModel) -> int:
        if isinstance(model, NativeModel):
            return model.kv_bytes_per_token
        return kv_bytes_per_token(model.config, self._cache_kind.dtype)

    def _kv_bytes(self, model: DecoderModel | NativeModel) -> int:
        """An operator's number wins; else what is left of the device, or of the host."""
        settings = self._settings
        if settings.kv_cache_memory_bytes is not None:
            return settings.kv_cache_memory_bytes
        if isinstance(model, NativeModel) or self._device.type == "cpu":
            return kv_bytes_on_host(settings.gpu_memory_utilization, self._place.world_size)
        return self._measure(model)

    def _measure(self, model: DecoderModel) -> int:
        settings = self._settings
        longest = settings.max_model_len or model.config.max_position
        bounds = step_bounds(settings, self._device.type, longest)
        self._found.phase, self._found.bounds = Phase.MEASURING, bounds
        self._link.progress("measuring the largest step", 0.0)
        found = measured_budget(
            CudaMemory(self._device), model, settings, bounds, self._cache_kind.dtype,
            captures=self._captures(model),
        )  # fmt: skip
        log.info("GPU memory: %s", found)
        self._graph_bytes = found.graphs
        return found.cache

    def _captures(self, model: DecoderModel) -> bool:
        """Whether decode steps are captured as graphs."""
        late = stream_on(self._device).is_late
        return late and model.is_capturable and not self._settings.enforce_eager

    def _company(self, opened: OpenModel) -> Company:
        """Waits for the other ranks, if there are any."""
        if self._part.is_whole:
            return NOBODY
        if self._device.type == "cpu":
            log.warning(
                "several ranks on CPUs run torch's operations: slower than one rank's own kernels"
            )
        self._link.progress("waiting for the other ranks", 0.0)
        join(self._part, self._device, self._place.rendezvous)
        return company(self._part, opened.config.hidden_size, opened.dtype, self._device)

    def _num_threads(self, opened: OpenModel) -> int:
        if self._settings.cpu_threads is not None:
            return self._settings.cpu_threads
        return worthwhile(opened.nbytes(), torch.get_num_threads())

    def _hello(
        self, opened: OpenModel, model: DecoderModel | NativeModel, load_s: float
    ) -> WorkerHello:
        kv_bytes = self._kv_bytes(model)
        return WorkerHello(
            rank=self._place.rank,
            pid=os.getpid(),
            dtype=str(opened.dtype).removeprefix("torch."),
            vocab_size=opened.config.vocab_size,
            max_position=opened.config.max_position,
            kv_bytes_per_token=self._kv_bytes_per_token(model),
            kv_bytes_available=kv_bytes,
            weights_bytes=self._found.weights_bytes,
            load_s=load_s,
            device="cuda" if self._device.type == "cuda" else "cpu",
            swap_bytes_available=swap_bytes_available(
                kv_bytes, self._device, self._place.world_size
            ),
        )

    def _make_runner(self, model: DecoderModel | NativeModel, shape: Configure) -> ModelRunner:
        if isinstance(model, NativeModel):
            return self._native_runner(model, shape)
        return self._torch_runner(model, shape)

    def _native_runner(self, model: NativeModel, shape: Configure) -> ModelRunner:
        slots = Slots(shape)
        checks = Checks(shape.max_num_seqs, self._grammars(model))
        sampler = Sampler(shape.max_num_seqs, model.sampling(), checks=checks)
        native = model.forward(shape, slots)
        swapper = self._swapper(native.pages, shape)
        return ModelRunner(slots, native, sampler, checks, swapper=swapper)

    def _torch_runner(self, model: DecoderModel, shape: Configure) -> ModelRunner:
        masks = Masks(shape.max_num_seqs, self._grammars(model)) if self._part.leads else None
        model.use_max_model_len(shape.max_model_len)
        slots = Slots(shape)
        kind, stream = self._cache_kind, stream_on(self._device)
        cache = KVCache(
            model.config, shape.num_blocks, shape.block_size, kind.dtype, self._device, kind.scales
        )
        forward = TorchForward(
            model, cache, slots, stream,
            captures=self._captures(model), graph_bytes=self._graph_bytes,
        )  # fmt: skip
        sampler = Sampler(shape.max_num_seqs, sampling_on(self._device), masks)
        source = token_source(model.company, sampler)
        swapper = self._swapper(cache.pages, shape)
        return ModelRunner(slots, forward, source, masks, stream, swapper)

    def _swapper(self, pages: list[torch.Tensor], shape: Configure) -> Swapper | None:
        if not shape.num_host_blocks:
            return None
        return Swapper(pages, shape.num_host_blocks, queues_of(self._device))

    def _grammars(self, model: DecoderModel | NativeModel) -> Compiler:
        folder = find_tokenizer(self._settings, Path(self._place.model_dir))
        self._compiler = Compiler(folder / "tokenizer.json", model.config.vocab_size)
        return self._compiler


def dtype_named(name: str) -> torch.dtype | None:
    """torch has every spelling that the flag allows; None leaves it to the checkpoint."""
    return None if name == "auto" else getattr(torch, name)
