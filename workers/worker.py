"""One rank from start to end: load, hello, configure, then plans in and results out. Knows no tensor's insides."""

import logging
import os
import time
from pathlib import Path

import torch

from penstock.protocol.errors import PenstockError
from penstock.protocol.plan import Configure, WorkerFault, WorkerHello, WorkerReady
from penstock.protocol.settings import WorkerSettings
from penstock.workers.faults import explain
from penstock.workers.forward import TorchForward
from penstock.workers.kv_cache import KVCache, kv_bytes_per_token
from penstock.workers.link import Link, LinkSettings
from penstock.workers.memory import kv_bytes_available
from penstock.workers.models.decoder import DecoderModel
from penstock.workers.native.start import NativeKernels
from penstock.workers.runner import ModelRunner
from penstock.workers.sampler.sampler import Sampler
from penstock.workers.slots import Slots
from penstock.workers.threads import worthwhile
from penstock.workers.weights.loader import load_model

log = logging.getLogger("penstock.worker")


class Worker:
    """Answers every plan in order; any exception is a WorkerFault and the end."""

    def __init__(self, link: Link, place: LinkSettings, settings: WorkerSettings) -> None:
        self._link = link
        self._place = place
        self._settings = settings
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._loading = True
        choice = settings.cpu_kernels if self._device.type == "cpu" else "reference"
        self._kernels = NativeKernels(choice, settings.quantization)

    def run(self) -> int:
        """The exit status."""
        try:
            self._serve()
        except Exception as error:
            message, advice = explain(error, self._loading)
            expected = isinstance(error, PenstockError)
            log.error("%s %s", message, advice, exc_info=None if expected else error)
            self._link.send(WorkerFault(self._place.rank, message, advice))
            return 1
        return 0

    def _serve(self) -> None:
        runner = self._start()
        if runner is None:
            return
        for plan in self._link.plans():
            result = runner.execute(plan)
            if self._place.rank == 0:
                self._link.send(result)

    def _start(self) -> ModelRunner | None:
        """None when the engine core leaves first."""
        model = self._load()
        self._loading = False
        shape = self._link.configuration()
        if shape is None:
            return None
        runner = self._make_runner(model, shape)
        self._link.send(WorkerReady(self._place.rank))
        return runner

    def _load(self) -> DecoderModel:
        started = time.monotonic()
        model = load_model(
            Path(self._place.model_dir),
            dtype=dtype_named(self._settings.dtype),
            device=self._device,
            load_format=self._settings.load_format,
            seed=self._settings.seed,
            progress=self._link.progress,
        )
        hello = self._hello(model, time.monotonic() - started)
        if self._settings.cpu_threads is None:
            torch.set_num_threads(worthwhile(hello.weights_bytes, torch.get_num_threads()))
        self._link.send(hello)
        return model

    def _hello(self, model: DecoderModel, load_s: float) -> WorkerHello:
        dtype = model.embed.weight.dtype
        wanted, share = self._settings.kv_cache_memory_bytes, self._settings.gpu_memory_utilization
        return WorkerHello(
            rank=self._place.rank,
            pid=os.getpid(),
            dtype=str(dtype).removeprefix("torch."),
            vocab_size=model.config.vocab_size,
            max_position=model.config.max_position,
            kv_bytes_per_token=kv_bytes_per_token(model.config, dtype),
            kv_bytes_available=kv_bytes_available(wanted, share, self._device),
            weights_bytes=sum(p.nbytes for p in model.parameters()),
            load_s=load_s,
            device="cuda" if self._device.type == "cuda" else "cpu",
        )

    def _make_runner(self, model: DecoderModel, shape: Configure) -> ModelRunner:
        self._link.progress("allocating the KV cache", 0.0)
        model.use_max_model_len(shape.max_model_len)
        slots, num_slots = Slots(shape), shape.max_num_seqs
        native = self._kernels.parts(model, shape, slots, self._link.progress)
        if native is not None:
            return ModelRunner(slots, native.forward, Sampler(num_slots, native.sampling))
        dtype = model.embed.weight.dtype
        cache = KVCache(model.config, shape.num_blocks, shape.block_size, dtype, self._device)
        forward = TorchForward(model, cache, slots, self._device)
        return ModelRunner(slots, forward, Sampler(num_slots))


def dtype_named(name: str) -> torch.dtype | None:
    """torch has every spelling that the flag allows; None leaves it to the checkpoint."""
    return None if name == "auto" else getattr(torch, name)
