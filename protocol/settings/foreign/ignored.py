"""Foreign settings that do nothing here, each under its reason. Knows no program."""

from penstock.protocol.settings.foreign.rows import Row, ignored, switch, value, values, variable

ONE_TOKEN = "speculative decoding is not served yet; answers are the same without it"
TEXT_ALONE = "prompts are text alone; images, audio and video are not served yet"
NO_LORA = "adapters are not served yet"
NO_GRAPHS = "nothing is compiled or captured at start"
BY_DEVICE = "the device decides which kernels run"
IN_METRICS = "the figures are metrics (/metrics), not log lines"

_LOGS = [
    *ignored("what answers say is never logged", switch("enable_log_outputs")),
    *ignored(
        "--log-level, --log-format and --uvicorn-log-level say what is logged, and how",
        value("log_config_file"),
        variable("VLLM_CONFIGURE_LOGGING"),
        variable("VLLM_LOGGING_CONFIG_PATH"),
    ),
    *ignored(
        IN_METRICS,
        switch("disable_log_stats"),
        switch("aggregate_engine_logging"),
        switch("enable_server_load_tracking"),
        switch("kv_cache_metrics"),
        switch("enable_mfu_metrics"),
        value("show_hidden_metrics_for_version"),
        variable("VLLM_LOG_STATS_INTERVAL"),
    ),
    *ignored("no traces are sent", value("otlp_traces_endpoint"), value("collect_detailed_traces")),
    *ignored("no events of the KV cache are published", value("kv_events_config")),
]

_SPECULATION = ignored(
    ONE_TOKEN,
    value("speculative_model"),
    value("speculative_config", "-sc"),
    value("num_speculative_tokens", kind=int, default=5),
    value("speculative_draft_tensor_parallel_size"),
    value("speculative_max_model_len"),
    value("speculative_disable_by_batch_size"),
    value("ngram_prompt_lookup_max"),
    value("ngram_prompt_lookup_min"),
    value("spec_method"),
    value("spec_model"),
    value("spec_tokens"),
)

_ADAPTERS = [
    *ignored(
        NO_LORA,
        value("max_loras", kind=int, default=1),
        value("max_lora_rank", kind=int, default=16),
        value("max_cpu_loras"),
        value("lora_dtype", kind=str, default="auto"),
        value("lora_extra_vocab_size"),
        switch("fully_sharded_loras"),
        variable("VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
    ),
    *ignored("no server knows it; adapters are not served yet", value("max_lora_size")),
]

_MEDIA = ignored(
    TEXT_ALONE,
    value("limit_mm_per_prompt"),
    value("mm_processor_kwargs"),
    value("mm_processor_cache_gb"),
    value("mm_processor_cache_type"),
    value("mm_encoder_tp_mode"),
    value("media_io_kwargs"),
    value("allowed_local_media_path"),
    values("allowed_media_domains"),
    switch("skip_mm_profiling"),
    switch("disable_mm_preprocessor_cache"),
    switch("interleave_mm_strings"),
    switch("language_model_only"),
    switch("enable_mm_embeds"),
)

_DEVICE = [
    *ignored(
        NO_GRAPHS,
        value("compilation_config", "-cc"),
        value("optimization_level", "-O"),
        values("cudagraph_capture_sizes"),
        value("max_cudagraph_capture_size"),
        values("cuda_graph_sizes"),
        value("max_seq_len_to_capture"),
        switch("cudagraph_metrics"),
    ),
    *ignored(
        BY_DEVICE,
        value("attention_backend"),
        value("attention_config", "-ac"),
        value("kernel_config"),
        value("moe_backend"),
        switch("disable_cascade_attn"),
        variable("VLLM_ATTENTION_BACKEND"),
    ),
    *ignored(
        "sums over ranks are NCCL's, or gloo's on CPUs (docs/parallelism.md)",
        switch("disable_custom_all_reduce"),
    ),
    *ignored(
        "ranks share every expert by its width (--tensor-parallel-size), so none has more to do",
        switch("enable_expert_parallel", "-ep"),
        switch("enable_eplb"),
        value("all2all_backend"),
    ),
    *ignored(
        "data parallelism is not served yet",
        value("data_parallel_backend", "-dpb", default="mp"),
        value("data_parallel_rpc_port", "-dpp"),
    ),
    *ignored("each rank reads its own share", value("max_parallel_loading_workers")),
    *ignored(
        "threads stay free to move; --cpu-threads says how many, taskset where",
        variable("VLLM_CPU_OMP_THREADS_BIND"),
    ),
    *ignored(
        "the KV cache stays on the device, but for what preempted sequences swap out (--swap-space)",
        value("kv_offloading_size"),
        value("kv_offloading_backend"),
        value("preemption_mode"),
    ),
    *ignored("there are no sleep endpoints", switch("enable_sleep_mode")),
]

_SCHEDULING = [
    *ignored(
        "one step is planned while one runs (--async-scheduling)",
        value("num_scheduler_steps", kind=int, default=1),
        switch("multi_step_stream_outputs", default=True),
        switch("disable_async_output_proc"),
    ),
    *ignored(
        "prompts share a step in the order of service; --long-prefill-token-threshold bounds each",
        value("max_num_partial_prefills", kind=int, default=1),
        value("max_long_partial_prefills", kind=int, default=1),
    ),
    *ignored(
        "--step-stretch weighs the wait of running streams against that of prompts",
        value("performance_mode", kind=str, default="balanced"),
    ),
    *ignored(
        "there is one block manager",
        switch("use_v2_block_manager"),
        switch("disable_hybrid_kv_cache_manager"),
        value("prefix_caching_hash_algo"),
    ),
]

_CHAT = [
    *ignored(
        "llguidance holds answers to every constraint",
        value("structured_outputs_config"),
        value("guided_decoding_backend", default="auto"),
        switch("guided_decoding_disable_fallback"),
        switch("guided_decoding_disable_any_whitespace"),
        switch("guided_decoding_disable_additional_properties"),
    ),
    *ignored(
        "how a template takes content is read from the template",
        value("chat_template_content_format", kind=str, default="auto"),
    ),
    *ignored("reasoning is told apart by --reasoning-parser", switch("enable_reasoning")),
    *ignored("cached tokens are always reported", switch("enable_prompt_tokens_details")),
    *ignored("the server runs no tools", value("tool_server")),
    *ignored("there are no endpoints for developers", variable("VLLM_SERVER_DEV_MODE")),
]

_STARTING = [
    *ignored(
        "front ends are always programs of their own",
        switch("disable_frontend_multiprocessing"),
        value("renderer_num_workers"),
    ),
    *ignored(
        "VLLM_RUST_FRONTEND_PATH alone says which program", variable("VLLM_USE_RUST_FRONTEND")
    ),
    *ignored("the tokenizer is always there", switch("skip_tokenizer_init")),
    *ignored("--revision is for all files", value("tokenizer_revision"), value("code_revision")),
    *ignored(
        "there is one engine",
        variable("VLLM_USE_V1"),
        variable("VLLM_TARGET_DEVICE"),
        variable("VLLM_WORKER_MULTIPROC_METHOD"),
    ),
    *ignored("set HF_TOKEN", value("hf_token")),
    *ignored(
        "the checkpoint's files say it",
        value("config_format", kind=str, default="auto"),
        value("hf_config_path"),
        value("model_impl", kind=str, default="auto"),
        value("model_loader_extra_config"),
        value("ignore_patterns"),
        switch("use_tqdm_on_load", default=True),
    ),
]

IGNORED: list[Row] = [
    *_LOGS,
    *_SPECULATION,
    *_ADAPTERS,
    *_MEDIA,
    *_DEVICE,
    *_SCHEDULING,
    *_CHAT,
    *_STARTING,
]
