"""Foreign settings that end the start, each under what to do instead. Knows no program."""

from penstock.protocol.settings.foreign.rows import Row, refused, switch, value, values, variable

ONE_ENGINE = "data parallelism is not served yet; start one server a replica, each on its own --port, behind a proxy"
BY_RAY = "ranks on several hosts start through Ray: --distributed-executor-backend ray (docs/parallelism.md)"
WHOLE_CONTEXTS = (
    "no context is split over ranks; --tensor-parallel-size and --pipeline-parallel-size split the "
    "model (docs/parallelism.md)"
)
NO_VECTORS = "models that embed, classify or score are not served yet"
NO_FOREIGN_CODE = "no code from elsewhere runs inside; put a proxy in front"
NO_OVERRIDES = "the model is served as its config.json says; edit a copy of that"
NO_LORA = "adapters are not served yet; merge them into the checkpoint (peft: merge_and_unload)"

_TASKS = [
    *("embed", "embedding", "classify", "classification", "score", "reward"),
    *("transcription", "draft", "pooling"),
]
_LOGPROBS = ["processed_logprobs", "raw_logits", "processed_logits"]

REFUSED: list[Row] = [
    *refused(NO_LORA, switch("enable_lora"), values("lora_modules"), value("default_mm_loras")),
    *refused(
        dict.fromkeys(_TASKS, NO_VECTORS),
        value("task", kind=str, default="auto"),
        value("runner", kind=str, default="auto"),
        value("convert", kind=str, default="auto"),
    ),
    *refused(NO_VECTORS, value("pooler_config"), value("override_pooler_config")),
    *refused(
        ONE_ENGINE,
        value("data_parallel_size", "-dp", kind=int, default=1),
        value("data_parallel_size_local", "-dpl", kind=int, default=1),
        value("data_parallel_rank", "-dpn"),
        value("data_parallel_start_rank", "-dpr"),
        value("data_parallel_address", "-dpa"),
        switch("data_parallel_multi_port_external_lb"),
        switch("data_parallel_external_lb", "-dpe"),
        switch("data_parallel_hybrid_lb", "-dph"),
        switch("enable_elastic_ep"),
    ),
    *refused(
        BY_RAY,
        value("nnodes", "-n", kind=int, default=1),
        value("node_rank", "-r", kind=int, default=0),
        value("master_addr"),
        value("master_port"),
        switch("headless"),
    ),
    *refused(
        "no KV cache goes to another server; start a second one, behind a proxy",
        value("kv_transfer_config"),
    ),
    *refused(
        WHOLE_CONTEXTS,
        value("prefill_context_parallel_size", "-pcp", kind=int, default=1),
        value("decode_context_parallel_size", "-dcp", kind=int, default=1),
    ),
    *refused(NO_FOREIGN_CODE, values("middleware")),
    *refused(
        "no code from elsewhere runs inside",
        values("logits_processors"),
        value("worker_cls", kind=str, default="auto"),
        value("worker_extension_cls", kind=str, default=""),
        value("scheduler_cls"),
    ),
    *refused(
        "install the format as an entry point (docs/tools-and-reasoning.md)",
        value("tool_parser_plugin", kind=str, default=""),
        value("reasoning_parser_plugin", kind=str, default=""),
    ),
    *refused(NO_OVERRIDES, value("hf_overrides"), value("rope_scaling"), value("rope_theta")),
    *refused(
        dict.fromkeys(_LOGPROBS, "log probabilities are those before sampling (raw_logprobs)"),
        value("logprobs_mode", kind=str, default="raw_logprobs"),
    ),
    *refused("prompts are text or token ids", switch("enable_prompt_embeds")),
    *refused("there is no gRPC; use HTTP", switch("grpc")),
    *refused(
        "fetch the model from ModelScope and give its folder", variable("VLLM_USE_MODELSCOPE")
    ),
]
