"""The forms in which programs give prompts and conversations, read into one. Knows no token and no template."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from penstock.offline.errors import RequestError, UnsupportedError

FORMS = (
    "a text, a list of token ids, {'prompt': text} or {'prompt_token_ids': ids}, or a list of those"
)


class TextPrompt(TypedDict, total=False):
    prompt: str
    cache_salt: str


class TokensPrompt(TypedDict, total=False):
    prompt_token_ids: list[int]
    prompt: str
    cache_salt: str


PromptType = str | list[int] | TextPrompt | TokensPrompt
Message = dict[str, Any]


class GivenPrompt(NamedTuple):
    """`ids` where the program gave them, else `text` is to be encoded."""

    text: str | None
    ids: list[int] | None = None
    cache_salt: str | None = None


def read_prompts(given: Any) -> list[GivenPrompt]:
    """One prompt or many. Raises RequestError or UnsupportedError."""
    if isinstance(given, str | Mapping) or _are_ids(given):
        return [_read("prompts", given)]
    if not isinstance(given, Sequence):
        raise RequestError(f"prompts: expected {FORMS}, got {type(given).__name__}")
    return [_read(f"prompts[{index}]", prompt) for index, prompt in enumerate(given)]


def read_conversations(given: Any) -> list[list[Message]]:
    """One conversation or many."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise RequestError("messages: expected a list of messages, or a list of such lists")
    if given and isinstance(given[0], Mapping):
        given = [given]
    return [list(conversation) for conversation in given]


def one_for_each(name: str, given: Any, num: int, default: Any) -> list[Any]:
    """`given` is for all, or a sequence with one for each."""
    if given is None or not isinstance(given, Sequence):
        return [default if given is None else given] * num
    if len(given) != num:
        raise RequestError(
            f"{name}: expected one, or one for each of the {num} prompts, got {len(given)}"
        )
    return list(given)


def refuse_adapters(lora_request: object) -> None:
    if lora_request is not None:
        raise UnsupportedError("lora_request: adapters are not served by this version")


def _read(place: str, prompt: Any) -> GivenPrompt:
    if isinstance(prompt, str):
        return GivenPrompt(prompt)
    if _are_ids(prompt):
        return GivenPrompt(None, list(prompt))
    if isinstance(prompt, Mapping):
        return _read_mapping(place, prompt)
    raise RequestError(f"{place}: expected {FORMS}, got {prompt!r:.80}")


def _read_mapping(place: str, prompt: Mapping[str, Any]) -> GivenPrompt:
    for name in ("multi_modal_data", "prompt_embeds", "encoder_prompt"):
        if prompt.get(name) is not None:
            raise UnsupportedError(f"{place}: {name} is not served by this version")
    text, ids = prompt.get("prompt"), prompt.get("prompt_token_ids")
    if isinstance(ids, Sequence) and (not ids or _are_ids(ids)):
        return GivenPrompt(text, list(ids), prompt.get("cache_salt"))
    if isinstance(text, str) and ids is None:
        return GivenPrompt(text, None, prompt.get("cache_salt"))
    raise RequestError(f"{place}: expected {FORMS}, got the keys {sorted(map(str, prompt))}")


def _are_ids(given: Any) -> bool:
    return (
        isinstance(given, Sequence)
        and not isinstance(given, str)
        and len(given) > 0
        and all(isinstance(item, int) and not isinstance(item, bool) for item in given)
    )
