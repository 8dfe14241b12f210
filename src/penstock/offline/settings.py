"""`LLM(model, **settings)` as settings of the programs. Knows names and what this version lacks, not what they do."""

import difflib
import logging
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from penstock.offline.errors import UnsupportedError
from penstock.protocol import flags
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import EngineSettings, FrontendSettings

log = logging.getLogger("penstock.offline")
S = TypeVar("S", bound=msgspec.Struct)

_PLAIN = "speculative decoding changes the speed, never the answers; this version decodes plainly"
_NO_GRAPHS = "there are no CUDA graphs on this device"
WITHOUT_EFFECT = {
    "spec_method": _PLAIN,
    "spec_model": _PLAIN,
    "spec_tokens": _PLAIN,
    "speculative_config": _PLAIN,
    "speculative_model": _PLAIN,
    "num_speculative_tokens": _PLAIN,
    "max_seq_len_to_capture": _NO_GRAPHS,
    "compilation_config": _NO_GRAPHS,
    "disable_custom_all_reduce": "there is one rank",
    "worker_use_ray": "workers are processes of this host",
    "disable_async_output_proc": "see async_scheduling",
    "mm_processor_kwargs": "this model reads text only",
    "limit_mm_per_prompt": "this model reads text only",
    "allowed_local_media_path": "this model reads text only",
    "structured_outputs_config": "there is one engine for structured output",
    "guided_decoding_backend": "there is one engine for structured output",
    "skip_tokenizer_init": "the tokenizer is always there",
    "hf_token": "set HF_TOKEN in the environment",
    "tokenizer_revision": "revision holds for both",
    "device": "the device is the one there is",
    "disable_log_stats": "",
    "disable_log_requests": "",
    "enable_log_requests": "",
}
"""Names that guides and vLLM know, and why they change nothing; those without a reason are not worth a line."""


class _Lack(NamedTuple):
    idle: tuple[object, ...]
    """Values that do not ask for it."""
    what: str


LACKS = {
    "enable_lora": _Lack((False,), "adapters are"),
    "task": _Lack(("auto", "generate"), "only generation is served: other tasks are"),
    "runner": _Lack(("auto", "generate"), "only generation is served: pooling is"),
    "convert": _Lack(("auto", "none"), "only generation is served: converted models are"),
    "hf_overrides": _Lack(({},), "changes to a checkpoint's config.json are"),
    "data_parallel_size": _Lack((1,), "data parallelism is"),
}
_OF_A_SERVER = frozenset(
    (
        *("endpoint", "curve_dir", "host", "port", "uds", "frontend_id", "access_log"),
        *("api_key", "api_key_file", "guard_metrics"),
        *("rate_limit_token", "rate_limit_interval", "limits_file"),
    )
)
_QUIET_IF = "PENSTOCK_LOG_LEVEL"
OFFLINE: dict[str, Any] = {
    "log_level": "warning",
    "max_num_queued_reqs": 1 << 24,
    "max_num_queued_tokens": 1 << 48,
    "max_stop_strings": 1024,
    "trust_request_chat_template": True,
    "drain_timeout_s": 0.0,
}
"""Defaults in place of a server's: who asks and who serves are the same, and a batch may be large."""


class Settings(NamedTuple):
    engine: EngineSettings
    frontend: FrontendSettings


def read_settings(model: str | os.PathLike[str], given: Mapping[str, Any]) -> Settings:
    """Raises SettingsError or UnsupportedError; says a line for each that has no effect."""
    asked = {name: _plain(value) for name, value in given.items() if value is not None}
    known = _names()
    for name in asked.keys() - known.keys():
        _look_beyond(name, asked.pop(name), known.keys())
    values = {**_defaults(), **{known[name]: value for name, value in asked.items()}}
    values["model"] = os.fspath(model)
    engine = _converted(EngineSettings, values, os.environ)
    # A front end without HTTP: variables such as VLLM_PORT do not concern it.
    frontend = _converted(FrontendSettings, {**values, "log_level": engine.log_level}, {})
    for notice in {*flags.inert_notices(engine), *flags.inert_notices(frontend)}:
        log.warning("%s", _as_name(notice))
    return Settings(engine, frontend)


def explicit(settings: Settings) -> Settings:
    """For requests that leave nothing out: the model's own sampling defaults do not touch them."""
    frontend = msgspec.structs.replace(
        settings.frontend, generation_config="vllm", override_generation_config={}
    )
    return Settings(settings.engine, frontend)


def _names() -> dict[str, str]:
    """Each name and alias of a setting, and the setting."""
    fields = [*flags.fields_of(EngineSettings), *flags.fields_of(FrontendSettings)]
    return {
        spelling.lstrip("-").replace("-", "_"): field.name
        for field in fields
        for spelling in field.spellings
        if field.name not in _OF_A_SERVER
    }


def _look_beyond(name: str, value: Any, known: Any) -> None:
    """A name that is no setting of this version."""
    if name in LACKS:
        if value not in LACKS[name].idle:
            raise UnsupportedError(f"{name}={value!r}: {LACKS[name].what} not in this version")
    elif name in WITHOUT_EFFECT:
        if WITHOUT_EFFECT[name]:
            log.warning("%s has no effect: %s", name, WITHOUT_EFFECT[name])
    else:
        close = difflib.get_close_matches(name, [*known, *WITHOUT_EFFECT, *LACKS], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise SettingsError(f"LLM has no setting {name!r}{hint}")


def _defaults() -> dict[str, Any]:
    told = os.environ.get(_QUIET_IF)
    return {**OFFLINE, "log_level": told.lower()} if told else OFFLINE


def _plain(value: Any) -> Any:
    """Paths and torch's dtypes by their names."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if type(value).__module__ == "torch":
        return str(value).removeprefix("torch.")
    return value


def _converted(struct: type[S], values: Mapping[str, Any], environ: Mapping[str, str]) -> S:
    try:
        return flags.convert(struct, values, environ)
    except SettingsError as error:
        raise SettingsError(_as_name(str(error))) from error


def _as_name(message: str) -> str:
    """Programs write `max_model_len` where command lines write `--max-model-len`."""
    return re.sub(r"^--([\w-]+)", lambda found: found[1].replace("-", "_"), message)
