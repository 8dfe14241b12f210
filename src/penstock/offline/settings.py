"""`LLM(model, **settings)` as settings of the programs. Knows which of them concern a program, not what they do."""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from penstock.offline.errors import UnsupportedError
from penstock.protocol import flags
from penstock.protocol.errors import NotServedError, SettingsError
from penstock.protocol.settings import (
    SERVE_STRUCTS,
    EngineSettings,
    ForeignSettings,
    FrontendSettings,
    ModelSettings,
)

log = logging.getLogger("penstock.offline")
S = TypeVar("S", bound=msgspec.Struct)

_OF_TEXT = (
    *ModelSettings.__struct_fields__,
    "tokenizer_mode",
    "chat_template",
    "reasoning_parser",
    "generation_config",
    "override_generation_config",
    "trust_request_chat_template",
    "stream_interval",
    "max_stop_strings",
    "engine_patience_s",
)
"""Of a front end's settings, those that mean something without HTTP."""
_OF_ADDRESSES = ("endpoint", "curve_dir")
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
    """Raises SettingsError or UnsupportedError; says a line for each that has no effect, as `penstock serve` does."""
    asked = {name: _plain(value) for name, value in given.items() if value is not None}
    known = _names()
    values = {**_defaults(), **{_known(name, known): value for name, value in asked.items()}}
    values["model"] = os.fspath(model)
    engine = _converted(EngineSettings, values, os.environ)
    foreign = _converted(ForeignSettings, values, os.environ)
    # A front end without HTTP: variables such as VLLM_PORT do not concern it.
    frontend = _converted(FrontendSettings, {**values, "log_level": engine.log_level}, {})
    told = [notice for each in (engine, frontend, foreign) for notice in flags.inert_notices(each)]
    told += flags.unread_notices(SERVE_STRUCTS, os.environ)
    for notice in dict.fromkeys(told):
        log.warning("%s", _as_name(notice))
    return Settings(engine, frontend)


def explicit(settings: Settings) -> Settings:
    """For requests that leave nothing out: the model's own sampling defaults do not touch them."""
    frontend = msgspec.structs.replace(
        settings.frontend, generation_config="vllm", override_generation_config={}
    )
    return Settings(settings.engine, frontend)


def _names() -> dict[str, str]:
    """Each name and alias of a setting that a program may give, and the setting."""
    fields = [
        *(f for f in flags.fields_of(EngineSettings) if f.name not in _OF_ADDRESSES),
        *(f for f in flags.fields_of(FrontendSettings) if f.name in _OF_TEXT),
        *flags.fields_of(ForeignSettings),
    ]
    return {
        spelling.lstrip("-").replace("-", "_"): field.name
        for field in fields
        for spelling in field.spellings
    }


def _known(name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise SettingsError(f"LLM has no setting {name!r}{flags.nearest(name, known)}")
    return known[name]


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
    except NotServedError as error:
        raise UnsupportedError(_as_name(str(error))) from error
    except SettingsError as error:
        raise SettingsError(_as_name(str(error))) from error


def _as_name(message: str) -> str:
    """Programs write `max_model_len` where command lines write `--max-model-len`."""
    return re.sub(r"^--([\w-]+)", lambda found: found[1].replace("-", "_"), message)
