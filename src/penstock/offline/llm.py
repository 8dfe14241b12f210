"""`LLM`: a model in a Python program. Knows what its methods are called and take; how they do it is elsewhere."""

import os
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from penstock.frontend.defaults import SamplingDefaults, load_defaults
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.offline.asked import BeamSearchParams, SamplingParams
from penstock.offline.batch import Batches, Job
from penstock.offline.collecting import as_beams
from penstock.offline.engine import Engine
from penstock.offline.errors import UnsupportedError
from penstock.offline.outputs import BeamSearchOutput, RequestOutput
from penstock.offline.progress import Wanted, make_bar
from penstock.offline.prompts import (
    Message,
    PromptType,
    one_for_each,
    read_conversations,
    read_prompts,
    refuse_adapters,
)
from penstock.offline.settings import explicit, read_settings
from penstock.preflight import check_engine
from penstock.protocol.messages import ControlVerb
from penstock.protocol.model_path import find_model

Params = SamplingParams | Sequence[SamplingParams] | None
"""One for all prompts, or one for each; None is `get_default_sampling_params()`."""
DEFAULT_MAX_TOKENS = 16
_GENERATES = "this version generates; embeddings and scores are not served"
_OTHER_PROCESS = "the model is in another process, where no code of the program runs"


def _lack(name: str, why: str) -> Callable[..., Any]:
    """A method that vLLM has and this version has not."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise UnsupportedError(f"LLM.{name}: {why}")

    return refuse


class LLM:
    """Loads a model and generates with it; `close`, a `with` block, or the program's end frees it.

    `settings` are those of `penstock serve`, with underscores: `max_model_len`, `dtype`, `seed`, ...
    Methods may be called from several threads. Raises PenstockError (see `offline.errors`).
    """

    def __init__(self, model: str | os.PathLike[str] = "brook", **settings: Any) -> None:
        asked = read_settings(model, settings)
        self._defaults = load_defaults(asked.frontend, find_model(asked.frontend))
        check_engine(asked.engine)
        self._engine = Engine(explicit(asked))
        self._batches = Batches(self._engine.services, asked.engine.seed)
        self._queued: list[Job] = []
        self._finalizer = weakref.finalize(self, self._engine.close)

    def generate(
        self,
        prompts: PromptType | Sequence[PromptType],
        sampling_params: Params = None,
        *,
        use_tqdm: Wanted = None,
        lora_request: None = None,
        priority: Sequence[int] | int | None = None,
    ) -> list[RequestOutput]:
        """The answers to each prompt, in order."""
        return self._run(self._texts(prompts, sampling_params, lora_request, priority), use_tqdm)

    def chat(
        self,
        messages: Sequence[Message] | Sequence[Sequence[Message]],
        sampling_params: Params = None,
        use_tqdm: Wanted = None,
        lora_request: None = None,
        chat_template: str | None = None,
        chat_template_content_format: str = "auto",
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tools: Sequence[dict[str, Any]] | None = None,
        chat_template_kwargs: dict[str, Any] | None = None,
        documents: Sequence[dict[str, Any]] | None = None,
    ) -> list[RequestOutput]:
        """The answers to one conversation or several. `chat_template_content_format` is always found out."""
        context = {
            "chat_template": chat_template,
            "add_generation_prompt": add_generation_prompt,
            "continue_final_message": continue_final_message,
            "tools": tools,
            "chat_template_kwargs": chat_template_kwargs,
            "documents": documents,
        }
        return self._run(self._chats(messages, sampling_params, lora_request, context), use_tqdm)

    def beam_search(
        self,
        prompts: PromptType | Sequence[PromptType],
        params: BeamSearchParams,
        lora_request: None = None,
        use_tqdm: Wanted = False,
        concurrency_limit: int | None = None,
    ) -> list[BeamSearchOutput]:
        """The likeliest continuations of each prompt, best first."""
        refuse_adapters(lora_request)
        given = read_prompts(prompts)
        jobs = self._engine.run(self._batches.texts(given, [params] * len(given)))
        answers = self._run(jobs, use_tqdm, concurrency_limit)
        return [as_beams(answer, self.get_tokenizer()) for answer in answers]

    def enqueue(
        self,
        prompts: PromptType | Sequence[PromptType],
        sampling_params: Params = None,
        lora_request: None = None,
        priority: Sequence[int] | int | None = None,
    ) -> list[str]:
        """Checks prompts, to be run by `wait_for_completion`; their requests' ids."""
        return self._queue(self._texts(prompts, sampling_params, lora_request, priority))

    def enqueue_chat(
        self,
        messages: Sequence[Message] | Sequence[Sequence[Message]],
        sampling_params: Params = None,
        lora_request: None = None,
        **context: Any,
    ) -> list[str]:
        """As `enqueue`; `context` is what else `chat` takes."""
        return self._queue(self._chats(messages, sampling_params, lora_request, context))

    def wait_for_completion(self, *, use_tqdm: Wanted = None) -> list[RequestOutput]:
        """The answers to all that is queued, in order."""
        jobs, self._queued = self._queued, []
        return self._run(jobs, use_tqdm)

    def get_default_sampling_params(self) -> SamplingParams:
        """What the model's own generation_config.json says."""
        return _params_of(self._defaults)

    def get_tokenizer(self) -> Tokenizer:
        """With `encode(text)` and `decode(ids)`."""
        return self._engine.services.tokenizer

    def reset_prefix_cache(self) -> bool:
        """Forgets what earlier prompts left in the KV cache."""
        self._engine.run(self._engine.services.client.control(ControlVerb.RESET_PREFIX_CACHE))
        return True

    embed = _lack("embed", _GENERATES)
    encode = _lack("encode", _GENERATES)
    classify = _lack("classify", _GENERATES)
    score = _lack("score", _GENERATES)
    reward = _lack("reward", _GENERATES)
    sleep = _lack("sleep", "close the LLM and make it anew")
    wake_up = _lack("wake_up", "close the LLM and make it anew")
    collective_rpc = _lack("collective_rpc", _OTHER_PROCESS)
    apply_model = _lack("apply_model", _OTHER_PROCESS)
    start_profile = _lack("start_profile", _OTHER_PROCESS)
    stop_profile = _lack("stop_profile", _OTHER_PROCESS)

    def close(self) -> None:
        """Ends the engine core; may be called twice."""
        self._finalizer()

    shutdown = close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _texts(self, prompts: Any, params: Params, lora_request: None, priority: Any) -> list[Job]:
        refuse_adapters(lora_request)
        given = read_prompts(prompts)
        asked = self._params(params, len(given))
        ranks = one_for_each("priority", priority, len(given), 0)
        return self._engine.run(self._batches.texts(given, asked, ranks))

    def _chats(
        self, messages: Any, params: Params, lora_request: None, context: dict[str, Any]
    ) -> list[Job]:
        refuse_adapters(lora_request)
        conversations = read_conversations(messages)
        asked = self._params(params, len(conversations))
        return self._engine.run(self._batches.chats(conversations, asked, context))

    def _queue(self, jobs: list[Job]) -> list[str]:
        self._queued += jobs
        return [job.valid.name for job in jobs]

    def _params(self, given: Params, num: int) -> list[SamplingParams]:
        return one_for_each("sampling_params", given, num, self.get_default_sampling_params())

    def _run(
        self, jobs: list[Job], use_tqdm: Wanted, at_once: int | None = None
    ) -> list[RequestOutput]:
        if not jobs:
            return []
        return self._engine.run(self._batches.run(jobs, make_bar(use_tqdm, len(jobs)), at_once))


def _params_of(defaults: SamplingDefaults) -> SamplingParams:
    names = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
    values = {name: getattr(defaults, name) for name in names}
    told = {name: value for name, value in values.items() if value is not None}
    return SamplingParams(**told, max_tokens=defaults.max_new_tokens or DEFAULT_MAX_TOKENS)
