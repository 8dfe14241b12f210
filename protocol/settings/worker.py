"""Settings of a worker. Knows the device, the weights and how large a step may be, not scheduling."""

from typing import Annotated, Literal

from msgspec import Meta

from penstock.protocol.settings.field import described
from penstock.protocol.settings.model import ModelSettings

_FOREIGN_LOAD_FORMATS = [
    *("pt", "npcache", "dtensor", "sharded_state", "gguf"),
    *("bitsandbytes", "mistral", "runai_streamer", "tensorizer"),
]
_FOREIGN_DEVICES = ["neuron", "tpu", "xpu", "hpu", "rocm"]
_FOREIGN_QUANTIZATIONS = [
    *("awq", "awq_marlin", "gptq", "gptq_marlin", "mxfp4"),
    *("modelopt", "compressed-tensors", "bitsandbytes", "gguf"),
]
_ROUND_INSTEAD = "serve the checkpoint that was not quantized, with --quantization int4 or int8"
_FOREIGN_KV_DTYPES = ["fp8_e5m2", "fp8_inc", "fp8_ds_mla"]
_E4M3_INSTEAD = "a cache of 8 bits is e4m3 here: --kv-cache-dtype fp8"

Device = Literal["auto", "cpu", "cuda"]
KVCacheDtype = Literal["auto", "bfloat16", "float16", "fp8", "fp8_e4m3"]
Dtype = Literal["auto", "half", "float16", "bfloat16", "float", "float32"]


class WorkerSettings(ModelSettings, frozen=True, kw_only=True):
    """How a worker loads and runs the model."""

    device: Annotated[
        Device,
        described(
            "Where to compute: auto takes the GPUs where there are any, cuda ends where there are none.",
            refused=dict.fromkeys(_FOREIGN_DEVICES, "auto, cpu and cuda are what there is"),
        ),
    ] = "auto"
    dtype: Annotated[
        Dtype, described("Type of weights and activations; auto takes the checkpoint's.")
    ] = "auto"
    load_format: Annotated[
        Literal["auto", "safetensors", "dummy"],
        described(
            "auto and safetensors read the checkpoint; dummy makes seeded random weights.",
            refused=dict.fromkeys(_FOREIGN_LOAD_FORMATS, "convert the checkpoint to safetensors"),
        ),
    ] = "auto"
    seed: Annotated[
        int, described("Seeds dummy weights; a request without a seed gets a random one.")
    ] = 0
    gpu_memory_utilization: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of the device's memory (on a CPU: of RAM, at most half of what is free) to use.",
            extra={"flags": ["--gpu-mem-util", "--device-memory-utilization"]},
        ),
    ] = 0.9
    kv_cache_memory_bytes: Annotated[
        int | None,
        described(
            "Size of the KV cache, in place of --gpu-memory-utilization; 4GiB works.",
            human=True,
            automatic=True,
            env=["PENSTOCK_KV_CACHE_MEMORY_BYTES"],
            env_units={"VLLM_CPU_KVCACHE_SPACE": "GiB"},
        ),
    ] = None
    cpu_threads: Annotated[
        int | None,
        described(
            "Threads of a CPU worker; default one a core, fewer for a small model.",
            human=True,
            automatic=True,
            env=["OMP_NUM_THREADS"],
        ),
    ] = None
    block_size: Annotated[Literal[8, 16, 32, 64, 128], described("Tokens per KV-cache block.")] = 16
    quantization: Annotated[
        Literal["int8", "int4", "fp8"] | None,
        described(
            "Round weights to 8 or 4 bits while loading: fewer bytes, less exact; fp8 on GPUs (docs/quantization.md).",
            flags=["-q"],
            refused=dict.fromkeys(_FOREIGN_QUANTIZATIONS, _ROUND_INSTEAD),
        ),
    ] = None
    cpu_kernels: Annotated[
        Literal["auto", "native", "reference"],
        described(
            "native: built with the C++ compiler at hand, or no start; reference: torch's; auto: native where possible."
        ),
    ] = "auto"
    max_model_len: Annotated[
        int | None,
        described(
            "Longest prompt plus output, in tokens (8k works); auto fits the model and the memory.",
            human=True,
            automatic=True,
        ),
    ] = None
    max_num_seqs: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        described("Most sequences in one step.", human=True, automatic=True),
    ] = None
    max_num_batched_tokens: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        described("Token budget of one step.", human=True, automatic=True),
    ] = None
    enable_chunked_prefill: Annotated[
        bool,
        described(
            "Split long prompts over steps; off, a prompt waits until it fits one step whole."
        ),
    ] = True
    trust_remote_code: Annotated[
        bool,
        described("Accepted for compatibility.", inert="Penstock runs no code from checkpoints"),
    ] = False
    enforce_eager: Annotated[
        bool,
        described(
            "Launch decode steps one kernel after another, without CUDA graphs. CPUs have none anyway."
        ),
    ] = False
    cpu_offload_gb: Annotated[
        float,
        Meta(
            ge=0,
            le=65536,
            description="GiB of each rank's weights to keep in host memory beside a GPU; on CPUs all of them are.",
        ),
    ] = 0.0
    swap_space: Annotated[
        float,
        Meta(
            ge=0,
            le=65536,
            description="GiB of host memory, for each rank, to swap preempted sequences to; 0: they are recomputed.",
        ),
    ] = 0.0
    kv_cache_dtype: Annotated[
        KVCacheDtype,
        described(
            "Type of the KV cache; auto is the model's own, fp8 (e4m3) takes half of 16 bits and is less exact.",
            refused=dict.fromkeys(_FOREIGN_KV_DTYPES, _E4M3_INSTEAD),
        ),
    ] = "auto"
    batch_invariant: Annotated[
        bool,
        described(
            "A request's tokens never depend on other requests, to the last bit; slower on GPUs (docs/kernels.md).",
            env=["PENSTOCK_BATCH_INVARIANT", "VLLM_BATCH_INVARIANT"],
        ),
    ] = False
