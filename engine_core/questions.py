"""Answers to what front ends ask besides tokens. Knows each question's answer, not who asked."""

from collections.abc import Callable

import msgspec

from penstock.engine_core.served_model import ServedModel
from penstock.engine_core.timelines import Timelines
from penstock.protocol.messages import Control, ControlVerb
from penstock.protocol.timelines import TimelineQuestion


class Questions:
    """`answer` is complete: there is one for every verb."""

    def __init__(
        self,
        timelines: Timelines,
        all_metrics: Callable[[float], bytes],
        model: Callable[[], ServedModel | None],
    ) -> None:
        """`model` is None until it is loaded."""
        self._timelines = timelines
        self._all_metrics = all_metrics
        self._model = model

    def answer(self, question: Control, now: float) -> bytes:
        """Raises msgspec.DecodeError for a payload that is no question."""
        match question.verb:
            case ControlVerb.METRICS:
                return self._all_metrics(now)
            case ControlVerb.RESET_PREFIX_CACHE:
                return self._drop_prefixes()
            case ControlVerb.REQUEST_TIMELINE:
                asked = msgspec.msgpack.decode(question.payload, type=TimelineQuestion)
                found = self._timelines.find(asked, now)
                return b"" if found is None else msgspec.msgpack.encode(found)

    def _drop_prefixes(self) -> bytes:
        model = self._model()
        if model is None:
            return b"\x00"
        model.scheduler.cache.drop_prefixes()
        return b"\x01"
