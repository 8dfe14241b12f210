"""The workers' keeper: what it tells the engine when ranks end at an awkward moment."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from penstock.engine_core.worker_group import GroupFailed, WorkerGroup
from penstock.engine_core.worker_link import WorkerLink
from penstock.protocol import sockets
from penstock.protocol.codec import MAX_FRAME_BYTES, to_worker_codec
from penstock.protocol.plan import FromWorker, StepPlan, WorkerHello, WorkerReady

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


def test_workers_that_end_without_a_result_start_again_ever_later() -> None:
    def open_link(_: int) -> Any:
        return PaperLink(HELLO, WorkerReady(0))

    group = WorkerGroup(open_link, lambda *_: ["true"], 1, 60.0, 60.0)
    group.start(now=0.0)
    pauses = []
    for _ in range(4):
        while not group._processes[0].ended:
            time.sleep(0.01)
        assert isinstance(group.poll(now=1.0)[-1], GroupFailed)
        assert group.timer is not None
        pauses.append(group.timer - 1.0)
        group.poll(now=100.0)
    group._tear_down()
    assert pauses == [0.0, 0.25, 0.75, 1.75]


def test_a_plan_may_be_longer_than_what_strangers_may_send(tmp_path: Path) -> None:
    context: zmq.Context[Any] = zmq.Context()
    link = WorkerLink(context, tmp_path, 1)
    rank = sockets.open_inner(context, zmq.SUB)
    rank.subscribe(b"")
    rank.connect(link.down_endpoint)
    while not link.num_subscribers:
        link.count_subscribers()
    plan = StepPlan(1, bytes(MAX_FRAME_BYTES), b"")
    link.broadcast(plan)
    assert rank.poll(5000)
    assert to_worker_codec().decode(rank.recv()) == plan
    link.close()
    context.destroy(0)
