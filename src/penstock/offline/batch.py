"""From what a program asks to what it gets: encodes and checks a whole batch, then runs it. Knows no process.

Nothing runs before all of it is known to be right. Then so many requests are under way that the engine always has
the next at hand; answers come in the order of the prompts.
"""

import random
import time
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, NamedTuple

from msgspec.structs import replace

from penstock.frontend.api.best_of import BestOf
from penstock.frontend.api.chat_request import ChatRequest, check_conversation
from penstock.frontend.api.chat_tools import NO_TOOLS, read_tools
from penstock.frontend.api.fields import SharedFields
from penstock.frontend.api.shapes import Collector as AnyCollector
from penstock.frontend.api.shapes import Tally
from penstock.frontend.beams.run import search
from penstock.frontend.encoding import LONG_CHARS, Prompt
from penstock.frontend.generation import Piece, generate, together
from penstock.frontend.params import Wanted
from penstock.frontend.prompts import Caller, ValidRequest
from penstock.frontend.services import Services
from penstock.offline import bodies
from penstock.offline.asked import BeamSearchParams, SamplingParams
from penstock.offline.collecting import Collector, Shown
from penstock.offline.errors import placed
from penstock.offline.outputs import RequestOutput
from penstock.offline.progress import Bar
from penstock.offline.prompts import GivenPrompt, Message

AHEAD = 4
"""Requests under way for each sequence that fits a step: those behind wait in the engine, not here."""


class Job(NamedTuple):
    """One prompt, ready to be run."""

    valid: ValidRequest
    shown: Shown


class Batches:
    """Makes jobs and runs them, with one engine. Its requests without a seed take theirs from the LLM's."""

    def __init__(self, services: Services, seed: int) -> None:
        self._services = services
        self._random = random.Random(seed)
        self._ids = count()

    async def texts(
        self,
        prompts: Sequence[GivenPrompt],
        asked: Sequence[SamplingParams | BeamSearchParams],
        priorities: Sequence[int] | None = None,
    ) -> list[Job]:
        """Raises PenstockError, with the place of the prompt that is wrong."""
        num = len(prompts)
        jobs = []
        for index, (given, prompt) in enumerate(
            zip(prompts, await self._encoded(prompts), strict=True)
        ):
            with placed("prompts", index, num):
                rank = priorities[index] if priorities else 0
                body = replace(
                    bodies.text_body(asked[index]), cache_salt=given.cache_salt, priority=rank
                )
                jobs.append(
                    await self._job(body, bodies.text_wanted(body), prompt, body.detokenize)
                )
        return jobs

    async def chats(
        self,
        conversations: Sequence[Sequence[Message]],
        asked: Sequence[SamplingParams],
        context: dict[str, Any],
    ) -> list[Job]:
        """`context` is what a template is told besides the messages."""
        num, jobs = len(conversations), []
        for index, (messages, params) in enumerate(zip(conversations, asked, strict=True)):
            with placed("messages", index, num):
                body = bodies.chat_body(params, {**context, "messages": messages})
                prompt, wanted = await self._rendered(body)
                jobs.append(await self._job(body, wanted, prompt, params.detokenize))
        return jobs

    async def run(
        self, jobs: Sequence[Job], bar: Bar, at_once: int | None = None
    ) -> list[RequestOutput]:
        """At most `at_once` of them, if given. The first failure fails all."""
        outputs: list[RequestOutput | None] = [None] * len(jobs)

        async def run_one(index: int) -> None:
            with placed("prompts", index, len(jobs)):
                outputs[index] = output = await self._run(jobs[index])
            bar.tell(sum(len(answer.token_ids) for answer in output.outputs))

        try:
            await _few_at_a_time(at_once or self._num_ahead(), len(jobs), run_one)
        finally:
            bar.close()
        return [output for output in outputs if output is not None]

    def _num_ahead(self) -> int:
        limits = self._services.client.limits
        assert limits is not None, "an engine has welcomed us"
        return min(AHEAD * limits.max_num_seqs, limits.max_num_seqs + limits.max_queued_requests)

    async def _run(self, job: Job) -> RequestOutput:
        services, valid = self._services, job.valid
        collector: AnyCollector = Collector(valid, services.tokenizer, job.shown)
        if valid.best_of > valid.n:
            collector = BestOf(collector, valid, Tally(valid))
        produce = generate if valid.beams is None else search
        await produce(valid, services.client, services.tokenizer, _Whole(collector))
        answer = collector.answer()
        assert isinstance(answer, RequestOutput)
        return answer

    async def _encoded(self, prompts: Sequence[GivenPrompt]) -> list[Prompt]:
        encoder = self._services.encoder
        texts = [prompt.text or "" for prompt in prompts if prompt.ids is None]
        with placed("prompts", 0, 1):
            encoded = iter(await encoder.texts(texts))
        return [next(encoded) if p.ids is None else Prompt(p.ids, p.text) for p in prompts]

    async def _rendered(self, body: ChatRequest) -> tuple[Prompt, Wanted]:
        """Tools are shown to the model; what it calls stays in the text, as in vLLM."""
        check_conversation(body)
        read_tools(body.tools, body.tool_choice, body.parallel_tool_calls)
        prompt = await self._services.encoder.chat(body, LONG_CHARS)
        reading = self._services.answers.reading(body, NO_TOOLS, prompt)
        return prompt, self._services.answers.wanted(body, reading)

    async def _job(
        self, body: SharedFields, wanted: Wanted, prompt: Prompt, shows_text: bool
    ) -> Job:
        seed = self._random.getrandbits(63) if body.seed is None else body.seed
        caller = Caller(name=str(next(self._ids)), arrived_s=time.monotonic())
        services = self._services
        valid = services.validator.validate(
            replace(body, seed=seed), wanted, [prompt], caller, await services.bounds()
        )
        shows = Shown(shows_text, wanted.logprobs is not None, wanted.prompt_logprobs is not None)
        return Job(valid, shows)


class _Whole:
    """`Taker` of an answer that is wanted when it is complete."""

    def __init__(self, collector: AnyCollector) -> None:
        self._add = collector.add

    def take(self, piece: Piece) -> bool:
        self._add(piece)
        return True

    async def ready(self) -> None:
        pass


async def _few_at_a_time(
    width: int, num: int, run: Callable[[int], Coroutine[Any, Any, None]]
) -> None:
    indices = iter(range(num))

    async def work() -> None:
        for index in indices:
            await run(index)

    await together([work() for _ in range(min(width, num))])
