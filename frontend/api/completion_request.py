"""The body of POST /v1/completions. Knows its types; bounds are checked where they matter."""

from penstock.frontend.api.fields import SharedFields
from penstock.frontend.errors import bad_request
from penstock.frontend.params import Wanted

MAX_PROMPTS = 1024
DEFAULT_MAX_TOKENS = 16
Prompt = str | list[int]


class CompletionRequest(SharedFields, kw_only=True):
    prompt: str | list[str | int | list[int]] | None = None
    logprobs: int | None = None
    suffix: str | None = None
    """What comes behind the answer, for models that fill in the middle."""
    return_prompt_text: bool | None = None


def prompts_of(request: CompletionRequest) -> list[Prompt]:
    """One prompt or a batch of them, each text or token ids."""
    prompt = request.prompt
    if isinstance(prompt, str):
        prompts: list[Prompt] = [prompt]
    elif prompt and isinstance(prompt[0], int):
        prompts = [_all_ids(prompt)]
    else:
        prompts = [_one_of_batch(item) for item in prompt or []]
    if not prompts or not (all(prompts) or request.suffix):
        raise bad_request(
            "prompt must be provided and not be empty.",
            "prompt",
        )
    if len(prompts) > MAX_PROMPTS:
        raise bad_request(f"At most {MAX_PROMPTS} prompts fit one request.", "prompt", len(prompts))
    return prompts


def _all_ids(prompt: list[str | int | list[int]]) -> list[int]:
    ids = [item for item in prompt if isinstance(item, int)]
    if len(ids) != len(prompt):
        raise bad_request("prompt: a list of token ids holds integers only", "prompt")
    return ids


def _one_of_batch(item: str | int | list[int]) -> Prompt:
    if isinstance(item, int):
        raise bad_request("prompt: a list of prompts holds texts or lists of token ids", "prompt")
    return item


def wanted(request: CompletionRequest) -> Wanted:
    """How much output, and which log probabilities. An echo shows the prompt's among the output's."""
    prompt_logprobs = request.prompt_logprobs
    if request.echo and request.logprobs is not None and prompt_logprobs is None:
        prompt_logprobs = request.logprobs
    return Wanted(
        max_tokens=1 if scores_only(request) else _max_tokens(request.max_tokens),
        logprobs=request.logprobs,
        prompt_logprobs=prompt_logprobs,
    )


def scores_only(request: CompletionRequest) -> bool:
    """`echo` with no output asks for the prompt alone; the engine's one token is then left out."""
    return bool(request.echo) and request.max_tokens == 0


def _max_tokens(asked: int | None) -> int:
    return DEFAULT_MAX_TOKENS if asked is None else asked
