"""Reads config.json by key and type. Knows no family: which keys matter is the families' business."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from penstock.protocol.errors import ModelError
from penstock.workers.model_config import DtypeName

T = TypeVar("T")

_DTYPES: tuple[DtypeName, ...] = get_args(DtypeName)


@dataclass(frozen=True, slots=True)
class ConfigJson:
    """The file's contents over a family's defaults. Every refusal names the key."""

    where: str
    values: Mapping[str, Any]

    @classmethod
    def read(cls, model_dir: Path) -> "ConfigJson":
        path = model_dir / "config.json"
        try:
            values = json.loads(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ModelError(f"{path} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ModelError(f"{path} must hold a JSON object")
        return cls(str(path), values)

    def over(self, defaults: Mapping[str, Any]) -> "ConfigJson":
        return ConfigJson(self.where, {**defaults, **self.values})

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def integer(self, key: str, default: int | None = None) -> int:
        value = self._typed(key, int, default)
        if value < 1:
            raise self.refusal(key, "a positive integer")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return self._typed(key, float, default)

    def flag(self, key: str, default: bool) -> bool:
        return self._typed(key, bool, default)

    def text(self, key: str, default: str) -> str:
        return self._typed(key, str, default)

    def numbers(self, key: str, length: int) -> tuple[float, ...]:
        values = self._typed(key, list, None)
        if len(values) != length or not all(isinstance(value, int | float) for value in values):
            raise self.refusal(key, f"a list of {length} numbers")
        return tuple(float(value) for value in values)

    def integers(self, key: str) -> tuple[int, ...]:
        """Empty where the key is absent or null."""
        values = self._typed(key, list, [])
        if not all(type(value) is int for value in values):
            raise self.refusal(key, "a list of integers")
        return tuple(values)

    def texts(self, key: str, length: int | None = None) -> tuple[str, ...]:
        values = self._typed(key, list, None)
        if not all(isinstance(value, str) for value in values):
            raise self.refusal(key, "a list of strings")
        if length is not None and len(values) != length:
            raise self.refusal(key, f"a list of {length} strings")
        return tuple(values)

    def section(self, key: str) -> "ConfigJson":
        """A nested object; empty where the key is absent or null."""
        return ConfigJson(f"{self.where}: {key}", self._typed(key, dict, {}))

    def dtype(self) -> DtypeName:
        """transformers 5 writes `dtype`, older ones `torch_dtype`, and the default was float32."""
        key = "dtype" if self.has("dtype") else "torch_dtype"
        name = self.text(key, "float32")
        for dtype in _DTYPES:
            if name == dtype:
                return dtype
        raise self.refusal(key, f"one of {', '.join(_DTYPES)}")

    def refusal(self, key: str, supported: str) -> ModelError:
        value = self.values.get(key)
        if value is None:
            return ModelError(f"{self.where} lacks {key!r}: expected {supported}")
        return ModelError(f"{self.where}: {key!r} is {value!r}; supported: {supported}")

    def _typed(self, key: str, kind: type[T], default: T | None) -> T:
        value = self.values.get(key)
        if value is None:
            value = default
        # bool passes isinstance(..., int), and a true where a count belongs is a mistake
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.refusal(key, f"a value of type {kind.__name__}")
        return value
