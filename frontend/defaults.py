"""What the model's own files say about sampling: defaults and end tokens. Knows files, not requests."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from penstock.protocol.errors import ModelError, SettingsError
from penstock.protocol.settings import FrontendSettings

IntOrMany = int | list[int] | None
T = TypeVar("T")


class SamplingDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """Stand in for what a request leaves out. None leaves it to the API's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    """Bounds every request's output, as vLLM has it."""


class _EndTokens(msgspec.Struct):
    eos_token_id: IntOrMany = None


def load_defaults(settings: FrontendSettings, model: Path) -> SamplingDefaults:
    """--generation-config, with --override-generation-config on top. Raises SettingsError."""
    source = settings.generation_config
    folder = {"auto": model, "vllm": None}.get(source, Path(source))
    if source not in ("auto", "vllm") and not (Path(source) / "generation_config.json").is_file():
        raise SettingsError(f"--generation-config {source}: no generation_config.json there")
    values = _read(folder / "generation_config.json", dict[str, Any], {}) if folder else {}
    try:
        return msgspec.convert(values | settings.override_generation_config, SamplingDefaults)
    except msgspec.ValidationError as error:
        raise SettingsError(f"generation_config.json: {error}") from error


def load_eos_ids(model: Path, tokenizer_eos: Iterable[int]) -> tuple[int, ...]:
    """Every id that any of the model's files calls an end of sequence."""
    found = set(tokenizer_eos)
    for name in ("generation_config.json", "config.json"):
        ids = _read(model / name, _EndTokens, _EndTokens()).eos_token_id
        found.update([ids] if isinstance(ids, int) else ids or [])
    return tuple(sorted(found))


def _read(path: Path, kind: type[T], missing: T) -> T:
    if not path.is_file():
        return missing
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"{path}: {error}") from error
