"""A model in a Python program: `LLM`, with vLLM's names. Knows the front end's parts; the engine is a child process."""

from penstock.offline.asked import (
    BeamSearchParams,
    GuidedDecodingParams,
    RepetitionDetectionParams,
    RequestOutputKind,
    SamplingParams,
    StructuredOutputsParams,
)
from penstock.offline.errors import EngineStartError, RequestError, UnsupportedError
from penstock.offline.llm import LLM
from penstock.offline.outputs import (
    BeamSearchOutput,
    BeamSearchSequence,
    CompletionOutput,
    Logprob,
    RequestMetrics,
    RequestOutput,
)
from penstock.offline.prompts import TextPrompt, TokensPrompt

__all__ = [
    "LLM",
    "BeamSearchOutput",
    "BeamSearchParams",
    "BeamSearchSequence",
    "CompletionOutput",
    "EngineStartError",
    "GuidedDecodingParams",
    "Logprob",
    "RepetitionDetectionParams",
    "RequestError",
    "RequestMetrics",
    "RequestOutput",
    "RequestOutputKind",
    "SamplingParams",
    "StructuredOutputsParams",
    "TextPrompt",
    "TokensPrompt",
    "UnsupportedError",
]
