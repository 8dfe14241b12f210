"""Settings of one api-frontend. Knows HTTP and text, not scheduling."""

from typing import Annotated, Any

from msgspec import Meta

from penstock.protocol.settings.exchange import ExchangeSettings
from penstock.protocol.settings.field import described


class FrontendSettings(ExchangeSettings, frozen=True, kw_only=True):
    """How one api-frontend listens and speaks."""

    endpoint: Annotated[
        str | None, described("The engine core to connect to: ipc:///path or tcp://host:port.")
    ] = None
    curve_dir: Annotated[
        str | None, described("Folder with CURVE keys for a tcp:// endpoint (docs/protocol.md).")
    ] = None
    tokenizer_mode: Annotated[
        str,
        described("Accepted for compatibility.", inert="the fast tokenizer serves all modes"),
    ] = "auto"
    served_model_name: Annotated[
        list[str], described("Names the API answers to; the first is reported.")
    ] = []
    api_key: Annotated[
        list[str],
        described(
            "Accept only requests that carry one of these keys.",
            env=["PENSTOCK_API_KEY"],
            env_whole=["VLLM_API_KEY"],
            secret=True,
        ),
    ] = []
    api_key_file: Annotated[
        str | None,
        described("A TOML or JSON file of keys, with names, scopes and quotas (docs/keys.md)."),
    ] = None
    guard_metrics: Annotated[
        bool, described("Let /metrics be read with a key of scope metrics alone.")
    ] = False
    chat_template: Annotated[
        str | None, described("A Jinja file, or the template itself, in place of the model's.")
    ] = None
    tool_call_parser: Annotated[
        str,
        described(
            "How the model spells tool calls: a format's name, or auto, by its chat template "
            "(docs/tools-and-reasoning.md)."
        ),
    ] = "auto"
    reasoning_parser: Annotated[
        str,
        described("How the model marks its reasoning: a format's name, auto, or none."),
    ] = "auto"
    enable_auto_tool_choice: Annotated[
        bool,
        described("Accepted for compatibility.", inert="tools are always the model's to choose"),
    ] = True
    response_role: Annotated[str, described("Role of the answers.")] = "assistant"
    generation_config: Annotated[
        str,
        described(
            "auto takes sampling defaults from the model's generation_config.json; vllm takes none; or a folder."
        ),
    ] = "auto"
    override_generation_config: Annotated[
        dict[str, Any], described("Sampling defaults as JSON, e.g. '{\"temperature\": 0.5}'.")
    ] = {}
    trust_request_chat_template: Annotated[
        bool,
        described(
            "Let requests bring their own chat template (sandboxed, in a process of its own)."
        ),
    ] = False
    enable_scale_out: Annotated[
        bool,
        described(
            "Answer /v1/chat/completions/render with JSON where nothing else is asked for, not with HTML."
        ),
    ] = False
    api_docs: Annotated[
        bool,
        described("Serve /openapi.json, /docs and /redoc.", opposites=["--disable-fastapi-docs"]),
    ] = True
    enable_offline_docs: Annotated[
        bool,
        described(
            "Accepted for compatibility.", inert="the pages never load anything from elsewhere"
        ),
    ] = False
    stream_interval: Annotated[
        int, Meta(ge=1, description="Send a chunk at least every so many tokens.")
    ] = 1
    max_stop_strings: Annotated[
        int,
        Meta(
            ge=1,
            description="Most stop strings in a request.",
            extra={"env": ["VLLM_MAX_STOP_STRINGS"]},
        ),
    ] = 4
    engine_patience_s: Annotated[
        float, Meta(gt=0, description="How long requests wait for an engine that went away.")
    ] = 60.0
    drain_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="On SIGTERM, let open requests finish for so long.",
            extra={"flags": ["--shutdown-timeout"]},
        ),
    ] = 30.0
    responses_store: Annotated[
        str,
        described(
            "Where responses are kept for all front ends: a SQLite file, redis://host:6379/0 (for several hosts), "
            "auto (a file in the user's state folder), none.",
            env=["PENSTOCK_RESPONSES_STORE"],
            secret=True,
        ),
    ] = "auto"
    responses_max_age_s: Annotated[
        float, Meta(gt=0, description="Forget kept responses after so long.")
    ] = 30 * 86400.0
    responses_resume_s: Annotated[
        float,
        Meta(
            ge=0,
            description="How long a streamed response can be streamed again after it ended or its connection broke; "
            "0: not at all.",
        ),
    ] = 600.0
    responses_max_bytes: Annotated[
        int | None, described("Keep at most so much; the oldest go first.", human=True)
    ] = 1 << 30
    playground: Annotated[
        bool,
        described(
            "Serve the playground and the live board at /, open to all (docs/playground.md)."
        ),
    ] = True
    frontend_id: Annotated[
        str | None,
        described(
            "Name towards the engine; a restart under the same name replaces its predecessor."
        ),
    ] = None
