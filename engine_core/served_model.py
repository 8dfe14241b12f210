"""All that exists once the workers have told what they can offer. Knows how the parts are joined, not when they act."""

from penstock.engine_core.admission import Refusal
from penstock.engine_core.fitting import Fit
from penstock.engine_core.frontends import Frontends
from penstock.engine_core.intake import Intake
from penstock.engine_core.limits import Metering
from penstock.engine_core.outputs import Output
from penstock.engine_core.pacing import Pacer
from penstock.engine_core.pipeline import Pipeline
from penstock.engine_core.preparing import Preparing
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.soundness import Soundness
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.timelines import Timelines
from penstock.engine_core.worker_group import WorkerGroup
from penstock.protocol.messages import EngineStats
from penstock.protocol.plan import StepResult
from penstock.protocol.timelines import Event


class ServedModel:
    """Scheduler, intake and pipeline of one model; they outlive any generation of its workers."""

    def __init__(
        self,
        fit: Fit,
        frontends: Frontends,
        workers: WorkerGroup,
        metrics: EngineMetrics,
        metering: Metering,
        timelines: Timelines,
        depth: int,
    ) -> None:
        self.fit = fit
        self._metrics = metrics
        self.scheduler = Scheduler(fit.config)
        soundness = Soundness(
            fit.card.vocab_size, fit.limits.max_logprobs, fit.config.max_num_batched_tokens
        )
        self.preparing = Preparing(self.scheduler, workers.tell)
        self.intake = Intake(
            self.scheduler, self.preparing, soundness, frontends, metering, metrics, timelines
        )
        pacer = Pacer(fit.step_stretch)
        self.pipeline = Pipeline(self.scheduler, workers, metrics, depth, pacer)
        metrics.configured(fit.config, fit.card.dtype)

    @property
    def has_work(self) -> bool:
        return self.pipeline.has_work or bool(self.scheduler.waiting.num_held)

    def finish(self, result: StepResult, now: float) -> tuple[list[Output], list[Refusal]]:
        """What a step brought, and who can go on no longer."""
        failed = self.pipeline.failed(result) if result.failures else {}
        outputs = self.pipeline.finish(result, now)
        if failed:
            outputs = [output for output in outputs if output[0] not in failed]
        return outputs, [*failed.items()]

    def recover(self, now: float) -> list[Refusal]:
        """The workers died; whom to blame for it."""
        for sequence in self.scheduler.running:
            sequence.trace.add(now, Event.WORKERS_LOST)
        guilty = self.pipeline.recover()
        return guilty + self.preparing.workers_lost()

    def load(self, now: float) -> EngineStats:
        """The part of the engine's state that is the model's."""
        scheduler = self.scheduler
        return EngineStats(
            num_running=len(scheduler.running),
            num_waiting=len(scheduler.waiting) + scheduler.waiting.num_held,
            kv_cache_usage=scheduler.cache.usage,
            step_age_s=self.pipeline.step_age_s(now),
            clock_s=now,
            num_prefilled_tokens=self._metrics.num_prefilled_tokens,
            num_generated_tokens=self._metrics.num_generated_tokens,
            num_queried_tokens=scheduler.cache.num_queried_tokens,
            num_hit_tokens=scheduler.cache.num_hit_tokens,
            num_preemptions=scheduler.num_preemptions,
        )
