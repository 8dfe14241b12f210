"""Settings of every program that reads a part of the checkpoint. Knows no program."""

from typing import Annotated, Literal

import msgspec

from penstock.protocol.settings.field import described

LogLevel = Literal["debug", "info", "warning", "error"]


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which checkpoint; shared by every program that reads a part of it."""

    model: Annotated[
        str,
        described(
            "A folder, a Hugging Face repository (downloaded if not in the cache), or 'brook' (ships inside).",
            once="one server serves one model; start a second on its own --port",
        ),
    ] = "brook"
    revision: Annotated[
        str | None, described("Branch, tag or commit of a Hugging Face repository.")
    ] = None
    download_dir: Annotated[
        str | None, described("The Hugging Face cache to look in; default $HF_HOME/hub.")
    ] = None
    tokenizer: Annotated[
        str | None, described("Where the tokenizer lies, when not with the model.")
    ] = None
    log_level: Annotated[
        LogLevel,
        described("How much to log.", env=["PENSTOCK_LOG_LEVEL", "VLLM_LOGGING_LEVEL"], lower=True),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        described(
            "Log lines for people, or one JSON object a line.",
            env=["PENSTOCK_LOG_FORMAT"],
            lower=True,
        ),
    ] = "text"
