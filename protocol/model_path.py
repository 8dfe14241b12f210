"""Finds the folder of a model by name. Knows the Hugging Face cache's layout, not what is in a checkpoint."""

import importlib.resources
import os
from pathlib import Path

from msgspec.structs import replace

from penstock.protocol.errors import ModelError
from penstock.protocol.settings import ModelSettings

BUNDLED = "brook"


def find_model(settings: ModelSettings) -> Path:
    """The folder that holds config.json. Raises ModelError, naming every place that was looked in."""
    local = Path(settings.model).expanduser()
    if (local / "config.json").is_file():
        return local.resolve()
    if settings.model == BUNDLED:
        return Path(str(importlib.resources.files("penstock") / BUNDLED))
    cached = _in_cache(settings)
    if cached is not None:
        return cached
    if local.is_absolute() or settings.model.count("/") != 1:
        raise ModelError(
            f"{settings.model}: no such model folder (a folder with config.json is expected"
            + ("" if "/" in settings.model else "; models of Hugging Face are named OWNER/NAME")
            + ")"
        )
    return _download(settings)


def find_tokenizer(settings: ModelSettings, model: Path) -> Path:
    """The folder that holds tokenizer.json: --tokenizer, which needs no config.json there, or the model's."""
    if settings.tokenizer is None:
        return model
    local = Path(settings.tokenizer).expanduser()
    return local if local.is_dir() else find_model(replace(settings, model=settings.tokenizer))


def default_name(settings: ModelSettings) -> str:
    """The name the API serves a model under when none is given."""
    return settings.model


def _cache_dir(settings: ModelSettings) -> Path:
    home = os.environ.get("HF_HOME", os.path.expanduser("~/.cache/huggingface"))
    return Path(settings.download_dir or os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _in_cache(settings: ModelSettings) -> Path | None:
    repo = _cache_dir(settings) / ("models--" + settings.model.replace("/", "--"))
    revision = settings.revision or "main"
    ref = repo / "refs" / revision
    commit = ref.read_text().strip() if ref.is_file() else revision
    snapshot = repo / "snapshots" / commit
    return snapshot if (snapshot / "config.json").is_file() else None


def _download(settings: ModelSettings) -> Path:
    from huggingface_hub import (
        snapshot_download,
    )  # slow to import, and only needed for a first download

    try:
        return Path(
            snapshot_download(
                settings.model,
                revision=settings.revision,
                cache_dir=_cache_dir(settings),
                allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"],
            )
        )
    except Exception as error:  # the hub raises a dozen unrelated kinds; each means the same here
        raise ModelError(
            f"{settings.model}: neither a folder nor in the cache at {_cache_dir(settings)}, "
            f"and it could not be downloaded: {error}"
        ) from error
