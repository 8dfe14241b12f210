"""All that exists once the workers have told what they can offer. Knows how the parts are joined, not when they act."""

from penstock.engine_core.fitting import Fit
from penstock.engine_core.frontends import Frontends
from penstock.engine_core.intake import Intake
from penstock.engine_core.pacing import Pacer
from penstock.engine_core.pipeline import Pipeline
from penstock.engine_core.scheduler import Scheduler
from penstock.engine_core.soundness import Soundness
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.worker_group import WorkerGroup
from penstock.protocol.messages import EngineStats


class ServedModel:
    """Scheduler, intake and pipeline of one model; they outlive any generation of its workers."""

    def __init__(
        self,
        fit: Fit,
        frontends: Frontends,
        workers: WorkerGroup,
        metrics: EngineMetrics,
        depth: int,
    ) -> None:
        self.fit = fit
        self.scheduler = Scheduler(fit.config)
        soundness = Soundness(
            fit.card.vocab_size, fit.limits.max_logprobs, fit.config.max_num_batched_tokens
        )
        self.intake = Intake(self.scheduler, soundness, frontends, metrics)
        pacer = Pacer(fit.step_stretch)
        self.pipeline = Pipeline(self.scheduler, workers, metrics, depth, pacer)
        metrics.configured(fit.config, fit.card.dtype)

    def load(self, now: float) -> EngineStats:
        """The part of the engine's state that is the scheduler's."""
        scheduler = self.scheduler
        return EngineStats(
            num_running=len(scheduler.running),
            num_waiting=len(scheduler.waiting),
            kv_cache_usage=scheduler.cache.usage,
            step_age_s=self.pipeline.step_age_s(now),
        )
