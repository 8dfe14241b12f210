"""The bodies of POST /tokenize and /detokenize, in vLLM's spelling and the older ones. Knows types."""

import msgspec

from penstock.frontend.api.chat_request import ChatRequest, Said
from penstock.frontend.errors import bad_request

Texts = str | list[str]


class TokenizeRequest(ChatRequest, kw_only=True):
    """One of `prompt`, `text`, `input` and `messages`; a chat request's body can be sent as it is."""

    messages: list[Said] = msgspec.field(default_factory=list)
    prompt: Texts | None = None
    text: Texts | None = None
    input: Texts | None = None
    return_token_strs: bool | None = None


class DetokenizeRequest(msgspec.Struct, kw_only=True):
    """One of `tokens` and `token_ids`."""

    model: str | None = None
    tokens: list[int] | None = None
    token_ids: list[int] | None = None


def texts_of(request: TokenizeRequest) -> Texts | None:
    """None where a conversation is given instead."""
    given = [t for t in (request.prompt, request.text, request.input) if t is not None]
    if len(given) + bool(request.messages) != 1:
        raise bad_request("Exactly one of prompt, text, input and messages is needed.", "prompt")
    return given[0] if given else None


def ids_of(request: DetokenizeRequest, vocab_size: int) -> list[int]:
    if request.tokens is not None and request.token_ids is not None:
        raise bad_request("Only one of tokens and token_ids can be given.", "token_ids")
    ids = request.token_ids if request.tokens is None else request.tokens
    if ids is None:
        raise bad_request("tokens: this field is required", "tokens")
    unknown = [i for i in ids if not 0 <= i < vocab_size]
    if unknown:
        raise bad_request(
            f"token_id(s) {unknown[:10]} in tokens contain out-of-vocab token ids. "
            f"Vocabulary size: {vocab_size}",
            "tokens",
        )
    return ids
