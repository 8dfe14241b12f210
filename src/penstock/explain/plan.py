"""All that `penstock serve` would run with, as rows. Knows settings and what they lead to, not how it is shown."""

from collections.abc import Callable

from penstock.engine_core.fitting import Fit, fit
from penstock.explain.asked import MEASURED, Asked, kv_source, size, weights_source
from penstock.explain.estimate import (
    ENGINE_BYTES,
    WORKER_BASE_BYTES,
    Estimate,
    estimate,
    frontend_bytes,
)
from penstock.explain.gpu_rows import gpu_memory
from penstock.explain.rows import Plan, Row, mib
from penstock.protocol.keys import read_key_file
from penstock.protocol.settings import FrontendSettings
from penstock.protocol.step_bounds import MAX_NUM_SEQS
from penstock.workers.kv_dtype import kv_dtype
from penstock.workers.threads import available_cores, worthwhile


def make_plan(asked: Asked) -> Plan:
    """Raises SettingsError or ModelError, as the programs would."""
    found = estimate(asked.engine)
    fitted = fit(asked.engine, found.hellos, created=0)
    return {
        "model": _model(asked, found),
        "memory": _memory(asked, found, fitted),
        "batching": _batching(asked, found, fitted),
        "compute": _compute(asked, found),
        "network": _network(asked),
        "limits": _limits(asked, fitted),
    }


def _model(asked: Asked, found: Estimate) -> list[Row]:
    names = asked.engine.served_model_name or [asked.engine.model]
    dtype, config = found.hello.dtype, found.config
    quantized = asked.engine.quantization
    count = f"{found.num_parameters / 1e6:,.1f} M"
    return [
        Row("model", asked.engine.model, asked.engine.model, asked.sources.of("model")),
        Row("folder", str(found.folder), str(found.folder), "model"),
        Row("names", names, ", ".join(names), asked.sources.of("served_model_name", "model")),
        Row("architecture", config.architecture, config.architecture, "model"),
        Row("parameters", found.num_parameters, count, "model"),
        Row("dtype", dtype, dtype, asked.sources.of("dtype", "model")),
        Row("quantization", quantized, quantized or "none", asked.sources.of("quantization")),
    ]


def _memory(asked: Asked, found: Estimate, fitted: Fit) -> list[Row]:
    if found.ranks:
        return gpu_memory(asked, found, fitted)
    config, hello = fitted.config, found.hello
    block_bytes = config.block_size * hello.kv_bytes_per_token
    kv_bytes, swap_bytes = config.num_blocks * block_bytes, config.num_host_blocks * block_bytes
    count, each = asked.serve.api_server_count, frontend_bytes(found.config)
    engine_and_fronts = ENGINE_BYTES + count * each
    before = hello.weights_bytes + WORKER_BASE_BYTES + engine_and_fronts
    free = found.memory.free
    return [
        size("available now", free, "machine, within its container's limit"),
        size("weights", hello.weights_bytes, weights_source(asked)),
        size("worker, besides", WORKER_BASE_BYTES, MEASURED),
        size("engine core", ENGINE_BYTES, MEASURED),
        Row("front ends", count * each, f"{count} x {mib(each)}", MEASURED),
        size("all, before a request", before, "sum"),
        size("KV cache, when full", kv_bytes, kv_source(asked)),
        size("all, KV cache full", before + kv_bytes, "sum"),
        size("swap space, when full", swap_bytes, asked.sources.of("swap_space")),
    ]


def _batching(asked: Asked, found: Estimate, fitted: Fit) -> list[Row]:
    config, of = fitted.config, asked.sources.of
    capacity = config.num_blocks * config.block_size
    longest = config.num_blocks // -(-config.max_model_len // config.block_size)
    per_token = found.hello.kv_bytes_per_token
    cache_dtype = kv_dtype(asked.engine.kv_cache_dtype, found.hello.dtype)
    is_bound_by_memory = config.max_model_len < found.config.max_position
    length_source = "memory: what the KV cache holds" if is_bound_by_memory else "model"
    by_device = f"default for a {found.hello.device}"
    return [
        _count("context length", config.max_model_len, of("max_model_len", length_source)),
        Row("KV cache type", cache_dtype, cache_dtype, of("kv_cache_dtype", "model and dtype")),
        size("KV bytes per token", per_token, "model and the cache's type"),
        _count("block size", config.block_size, of("block_size"), "tokens"),
        _count("KV blocks", config.num_blocks, kv_source(asked, bool(found.ranks))),
        _count("tokens that fit", capacity, "KV blocks"),
        _count("requests of full length that fit", longest, "KV blocks"),
        _count("sequences in a step", config.max_num_seqs, _seqs_source(asked, found, fitted)),
        _count(
            "tokens in a step",
            config.max_num_batched_tokens,
            of("max_num_batched_tokens", by_device),
        ),
        _switch("prefix caching", config.prefix_caching, of("enable_prefix_caching")),
        _switch("chunked prefill", config.chunked_prefill, of("enable_chunked_prefill")),
        _switch("two plans in flight", asked.engine.async_scheduling, of("async_scheduling")),
        Row(
            "order",
            asked.engine.scheduling_policy,
            asked.engine.scheduling_policy,
            of("scheduling_policy"),
        ),
    ]


def _seqs_source(asked: Asked, found: Estimate, fitted: Fit) -> str:
    """Each sequence takes a token of a step at least."""
    device = found.hello.device
    if fitted.config.max_num_seqs < (asked.engine.max_num_seqs or MAX_NUM_SEQS[device]):
        return asked.sources.of("max_num_batched_tokens") + ": a token for each"
    return asked.sources.of("max_num_seqs", f"default for a {device}")


def _count(name: str, value: int, source: str, unit: str = "") -> Row:
    return Row(name, value, f"{value:,} {unit}".rstrip(), source)


def _switch(name: str, value: bool, source: str) -> Row:
    return Row(name, value, "on" if value else "off", source)


def _compute(asked: Asked, found: Estimate) -> list[Row]:
    engine, of = asked.engine, asked.sources.of
    kernels = found.kernels
    cores = available_cores()
    threads = engine.cpu_threads or worthwhile(found.hello.weights_bytes, cores)
    return [
        Row("device", found.hello.device, _device_name(found), of("device", "machine")),
        _count("cores", cores, "machine, within its container's quota"),
        _count("threads", threads, of("cpu_threads", "cores, and one for each 32 MiB of weights")),
        Row("kernels", kernels, kernels, of("cpu_kernels")),
        _company(asked, kernels),
        _count("workers", engine.world_size, _of_ranks(of)),
    ]


def _device_name(found: Estimate) -> str:
    """Of ranks on GPUs those that they would take."""
    names = sorted({gpu.name for gpu in found.gpus[: len(found.ranks)]})
    return " and ".join((found.hello.device, *names))


def _company(asked: Asked, kernels: str) -> Row:
    """Native kernels know no other way."""
    if kernels.startswith("native"):
        return _switch("batch invariant", True, "native kernels")
    return _switch(
        "batch invariant", asked.engine.batch_invariant, asked.sources.of("batch_invariant")
    )


def _of_ranks(of: Callable[[str], str]) -> str:
    return (
        f"tensor parallel: {of('tensor_parallel_size')}; pipeline: {of('pipeline_parallel_size')}"
    )


def _network(asked: Asked) -> list[Row]:
    frontend, serve, of = asked.frontend, asked.serve, asked.sources.of
    if frontend.uds:
        listen = Row("listens on", frontend.uds, f"unix:{frontend.uds}", of("uds"))
    else:
        address = f"http://{frontend.host}:{frontend.port}"
        source = f"host: {of('host')}; port: {of('port')}"
        listen = Row("listens on", address, address, source)
    endpoint = asked.engine.endpoint or f"ipc://{serve.runtime_dir or '(a fresh folder)'}/engine"
    keys = _num_keys(frontend)
    return [
        listen,
        _count("front ends", serve.api_server_count, of("api_server_count")),
        Row("engine core at", endpoint, endpoint, of("endpoint", of("runtime_dir"))),
        Row(
            "API keys",
            keys,
            f"{keys} accepted" if keys or frontend.api_key_file else "none: open to all",
            of("api_key_file", of("api_key")),
        ),
    ]


def _num_keys(frontend: FrontendSettings) -> int:
    """Raises SettingsError, as a start would."""
    path = frontend.api_key_file
    holders = read_key_file(path).keys if path else []
    return len(frontend.api_key) + sum(len(holder.digests) for holder in holders)


def _limits(asked: Asked, fitted: Fit) -> list[Row]:
    config, engine, frontend, of = fitted.config, asked.engine, asked.frontend, asked.sources.of
    body = frontend.max_body_bytes
    return [
        _count("requests waiting", config.max_queued_requests, of("max_num_queued_reqs")),
        _count(
            "prompt tokens waiting",
            config.max_queued_tokens,
            of("max_num_queued_tokens", "64 times the context length"),
        ),
        Row("request body", body, "any size" if body is None else mib(body), of("max_body_bytes")),
        _count("stop strings", frontend.max_stop_strings, of("max_stop_strings")),
        _count("log probabilities", engine.max_logprobs, of("max_logprobs")),
        _seconds("a step, before a restart", engine.step_timeout_s, of("step_timeout_s")),
        _seconds("draining", frontend.drain_timeout_s, of("drain_timeout_s")),
        _seconds("starting", asked.serve.start_timeout_s, of("start_timeout_s")),
    ]


def _seconds(name: str, value: float, source: str) -> Row:
    return Row(name, value, f"at most {value:g} s", source)
