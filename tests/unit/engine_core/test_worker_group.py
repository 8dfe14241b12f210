"""The workers' keeper: what it tells the engine when ranks end at an awkward moment."""

import time
from collections.abc import Iterator
from typing import Any

from penstock.engine_core.worker_group import GroupFailed, WorkerGroup
from penstock.protocol.plan import FromWorker, WorkerHello

HELLO = WorkerHello(0, 1, "float32", 64, 2048, 64, 1 << 20, 0, 0.0)


class PaperLink:
    """A link whose one rank has subscribed and said `messages`."""

    num_subscribers = 1
    up = down = None

    def __init__(self, *messages: FromWorker) -> None:
        self.messages = list(messages)

    def receive(self, patience_ms: int = 0) -> Iterator[FromWorker]:
        while self.messages:
            yield self.messages.pop(0)

    def count_subscribers(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_rank_that_ends_with_its_hello_was_never_loaded() -> None:
    """The engine answers GroupLoaded with `configure`, which nobody could hear."""
    link: Any = PaperLink(HELLO)
    group = WorkerGroup(lambda _: link, lambda *_: ["true"], 1, 60.0, 60.0)
    group.start(now=0.0)
    while not group._processes[0].ended:
        time.sleep(0.01)
    assert [type(event) for event in group.poll(now=1.0)] == [GroupFailed]
