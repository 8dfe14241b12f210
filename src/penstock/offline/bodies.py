"""Turns what programs ask into the bodies that HTTP clients send, so that the same checks hold. Knows no bound."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from penstock.frontend.api.chat_request import ChatRequest
from penstock.frontend.api.fields import SharedFields
from penstock.frontend.errors import undecodable
from penstock.frontend.params import Wanted
from penstock.offline.asked import BeamSearchParams, SamplingParams, StructuredOutputsParams
from penstock.offline.errors import RequestError

T = TypeVar("T")

_NO_FIELDS = frozenset(
    (
        "flat_logprobs",
        "output_kind",
        "guided_decoding",
        "skip_reading_prefix_cache",
        "extra_args",
    )
)
"""Of SamplingParams; a body has no such field."""


class TextRequest(SharedFields, kw_only=True):
    """The body that a prompt's sampling parameters come to."""

    logprobs: int | None = None
    detokenize: bool = True


_TEXT = msgspec.json.Decoder(TextRequest)
_CHAT = msgspec.json.Decoder(ChatRequest)


def text_body(asked: SamplingParams | BeamSearchParams) -> TextRequest:
    """Raises RequestError or ApiError."""
    if isinstance(asked, BeamSearchParams):
        return _beam_body(asked)
    fields = _fields(asked)
    if fields.pop("thinking_token_budget", None) is not None:
        raise RequestError("thinking_token_budget: is for chat; a text has no place for thinking")
    return _decoded(_TEXT, fields)


def chat_body(params: SamplingParams, conversation: Mapping[str, Any]) -> ChatRequest:
    """`conversation` holds the messages and what a template is told. Raises RequestError or ApiError."""
    fields = _fields(params)
    num_top = fields.pop("logprobs", None)
    if num_top is not None:
        fields |= {"logprobs": True, "top_logprobs": num_top}
    return _decoded(_CHAT, fields | _given(conversation))


def _beam_body(params: BeamSearchParams) -> TextRequest:
    """As many log probabilities as beams, which is what a search compares anyway."""
    return _decoded(
        _TEXT,
        {
            "use_beam_search": True,
            "n": params.beam_width,
            "max_tokens": params.max_tokens,
            "ignore_eos": params.ignore_eos,
            "length_penalty": params.length_penalty,
            "include_stop_str_in_output": params.include_stop_str_in_output,
            "logprobs": params.beam_width,
        },
    )


def text_wanted(body: TextRequest) -> Wanted:
    """Of a body that is no chat."""
    return Wanted(
        max_tokens=body.max_tokens, logprobs=body.logprobs, prompt_logprobs=body.prompt_logprobs
    )


def _fields(params: object) -> dict[str, Any]:
    if not isinstance(params, SamplingParams):
        kind = type(params).__name__
        raise RequestError(f"sampling_params: expected penstock.SamplingParams, got {kind}")
    if params.stop and not params.detokenize:
        raise RequestError(
            "stop: stop strings are found in text, which detokenize=False leaves out"
        )
    if params.structured_outputs is not None and params.guided_decoding is not None:
        raise RequestError("structured_outputs, guided_decoding: give one, they mean the same")
    fields = _given({name: getattr(params, name) for name in params.__struct_fields__})
    constraint = params.structured_outputs or params.guided_decoding
    if constraint is not None and not isinstance(constraint, StructuredOutputsParams):
        raise RequestError("structured_outputs: expected penstock.offline.StructuredOutputsParams")
    if constraint is not None:
        fields["structured_outputs"] = _given(msgspec.structs.asdict(constraint))
    return {name: value for name, value in fields.items() if name not in _NO_FIELDS}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity: they would become null, which asks for a default."""
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise RequestError(f"{name} must be finite, got {value}.")
    return {name: value for name, value in fields.items() if value is not None}


def _decoded(decoder: "msgspec.json.Decoder[T]", fields: Mapping[str, Any]) -> T:
    try:
        return decoder.decode(msgspec.json.encode(fields))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError | RecursionError):
            raise undecodable(error) from error
        raise RequestError(f"not made of JSON's types: {error}") from error
