"""What a front end that is known asks of the engine, and the answers. Knows messages, not workers."""

from collections.abc import Callable
from typing import assert_never

import msgspec

from penstock.engine_core.frontends import Frontends, Session
from penstock.engine_core.limits import Metering
from penstock.engine_core.questions import Questions
from penstock.engine_core.reports import Reports
from penstock.engine_core.served_model import ServedModel
from penstock.engine_core.stats import EngineMetrics
from penstock.engine_core.timelines import Timelines
from penstock.protocol.messages import (
    Abort,
    Control,
    ControlVerb,
    Embed,
    EngineStats,
    Generate,
    Leave,
    Ping,
    Pong,
    RefusalCode,
    Refused,
    Reserve,
    Result,
    Settle,
)

Said = Generate | Embed | Abort | Control | Ping | Leave | Reserve | Settle
"""All but the greeting."""


class Conversation:
    """`model` is set once there is one; before that, requests are to come again."""

    def __init__(
        self,
        frontends: Frontends,
        metering: Metering,
        metrics: EngineMetrics,
        reports: Reports,
        timelines: Timelines,
        stats: Callable[[float], EngineStats],
    ) -> None:
        self.model: ServedModel | None = None
        self._questions = Questions(timelines, self._all_metrics, lambda: self.model)
        self._frontends, self._metering, self._metrics = frontends, metering, metrics
        self._reports, self._stats = reports, stats

    def hear(self, session: Session, message: Said, now: float) -> None:
        match message:
            case Generate():
                self._generate(session, message, now)
            case Embed():
                reason = "this engine generates; it does not embed"
                self._refuse(session, Refused(message.id, RefusalCode.UNSUPPORTED, reason))
            case Abort():
                self._abort(session, message, now)
            case Control():
                self._control(session, message, now)
            case Ping():
                self._reports.keep(session, message.metrics, now)
                self._frontends.send(session, Pong(message.seq, self._stats(now)))
            case Leave():
                self._frontends.forget(session, message.reason)
            case Reserve():
                self._frontends.send(session, self._metering.reserve(session, message, now))
            case Settle():
                self._metering.settle(session, message.ids, now)
            case _:
                assert_never(message)

    def _generate(self, session: Session, message: Generate, now: float) -> None:
        if self.model is None:
            reason = "the model is still loading"
            self._refuse(session, Refused(message.id, RefusalCode.OVERLOADED, reason, 1.0))
        else:
            self.model.intake.generate(session, message, now)

    def _refuse(self, session: Session, refused: Refused) -> None:
        self._metrics.refused(refused.code)
        self._frontends.send(session, refused)

    def _abort(self, session: Session, message: Abort, now: float) -> None:
        for request_id in message.ids:
            sequence = session.requests.pop(request_id, None)
            if sequence:
                sequence.trace.end(now, "stop" if message.is_complete else "abort")
                assert self.model is not None
                self.model.intake.drop(sequence)

    def _all_metrics(self, now: float) -> bytes:
        return self._reports.all_of_them(
            self._stats(now), self.model.scheduler if self.model else None
        )

    def _control(self, session: Session, message: Control, now: float) -> None:
        if message.verb is ControlVerb.METRICS:
            self._reports.keep(session, message.payload, now)
        try:
            answer = self._questions.answer(message, now)
            self._frontends.send(session, Result(message.id, answer))
        except msgspec.DecodeError as error:
            self._refuse(session, Refused(message.id, RefusalCode.MALFORMED, str(error)))
