"""Penstock: a serving engine for large language models."""

import importlib

__version__ = "0.1.0"

_OFFLINE = frozenset(
    ("LLM", "BeamSearchParams", "CompletionOutput", "RequestOutput", "SamplingParams")
)


def __getattr__(name: str) -> object:
    """What Python programs use is imported when it is first named: no server pays for it."""
    if name in _OFFLINE:
        return getattr(importlib.import_module("penstock.offline"), name)
    raise AttributeError(f"module 'penstock' has no attribute {name!r}")
