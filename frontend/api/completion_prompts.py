"""Encodes the prompts of a completion, with their suffix where there is one. Knows ids, not limits."""

from collections.abc import Sequence

from penstock.frontend.api.completion_request import CompletionRequest, prompts_of
from penstock.frontend.encoding import Encoder, Prompt
from penstock.frontend.errors import bad_request
from penstock.frontend.text import fill_in_the_middle
from penstock.frontend.text.fill_in_the_middle import FillInTheMiddle
from penstock.frontend.text.tokenizer import Tokenizer


async def encode(body: CompletionRequest, encoder: Encoder, max_tokens: int) -> list[Prompt]:
    """Raises ApiError, for a text that has more than `max_tokens` maybe before it is encoded."""
    if not body.suffix:
        most = max_tokens if body.truncate_prompt_tokens is None else None
        return await _encode(body, encoder, body.add_special_tokens is not False, most)
    family = _family(body, encoder.tokenizer)
    prefixes = await _encode(body, encoder, False, max_tokens)
    [suffix] = await encoder.texts([body.suffix], False, max_tokens)
    bos = _bos(encoder.tokenizer) if body.add_special_tokens is not False else ()
    return [_filled(family, encoder.tokenizer, prefix, suffix, bos) for prefix in prefixes]


def end_ids(body: CompletionRequest, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Tokens that end the answer besides the model's EOS."""
    if not body.suffix:
        return ()
    return fill_in_the_middle.end_ids(_family(body, tokenizer), tokenizer)


async def _encode(
    body: CompletionRequest, encoder: Encoder, adds_special: bool, max_tokens: int | None
) -> list[Prompt]:
    prompts = prompts_of(body)
    texts = [prompt for prompt in prompts if isinstance(prompt, str)]
    encoded = iter(await encoder.texts(texts, adds_special, max_tokens))
    return [next(encoded) if isinstance(prompt, str) else Prompt(prompt) for prompt in prompts]


def _family(body: CompletionRequest, tokenizer: Tokenizer) -> FillInTheMiddle:
    if (family := fill_in_the_middle.detect(tokenizer)) is None:
        raise bad_request(
            "suffix is only supported for models with FIM completion rendering", "suffix"
        )
    if body.truncate_prompt_tokens is not None:
        raise bad_request(
            "truncate_prompt_tokens cannot be used with suffix.", "truncate_prompt_tokens"
        )
    if body.echo and body.logprobs is not None:
        raise bad_request("echo with logprobs cannot be used with suffix.", "echo")
    return family


def _bos(tokenizer: Tokenizer) -> Sequence[int]:
    return tokenizer.encode("")[:1] if tokenizer.adds_bos else ()


def _filled(
    family: FillInTheMiddle,
    tokenizer: Tokenizer,
    prefix: Prompt,
    suffix: Prompt,
    bos: Sequence[int],
) -> Prompt:
    """Its text, which an echo shows, is the client's."""
    text = tokenizer.decode(prefix.ids) if prefix.text is None else prefix.text
    ids = fill_in_the_middle.prompt_ids(family, tokenizer, prefix.ids, suffix.ids)
    return Prompt([*bos, *ids], text)
