"""The workers' keeper: what it tells the engine when ranks end at an awkward moment, and what its link carries."""

import select
import socket
import sys
import time

from penstock.engine_core.worker_group import GroupFailed, GroupRefused, WorkerGroup
from penstock.engine_core.worker_link import WorkerLink
from penstock.protocol.codec import MAX_FRAME_BYTES, from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import (
    FromWorker,
    StepPlan,
    StepResult,
    WorkerFault,
    WorkerHello,
    WorkerReady,
)

HELLO = WorkerHello(0, 1, "float32", 64, 2048, 64, 1 << 20, 0, 0.0)
SAY = "import os, sys; os.write(int(sys.argv[1]), bytes.fromhex(sys.argv[2]))"


def group_whose_worker_says(*messages: FromWorker) -> WorkerGroup:
    """And then ends."""
    encode = from_worker_codec().encode
    data = b"".join(frame(encode(message)) for message in messages).hex()
    argv = [sys.executable, "-S", "-c", SAY]
    return WorkerGroup(lambda start: [*argv, str(start.descriptor), data], 1, 60.0, 60.0)


def wait_for_the_end(group: WorkerGroup) -> None:
    while not group._processes[0].ended:
        time.sleep(0.01)


def test_a_rank_that_ends_with_its_hello_was_never_loaded() -> None:
    """The engine answers GroupLoaded with `configure`, which nobody could hear."""
    group = group_whose_worker_says(HELLO)
    group.start(now=0.0)
    wait_for_the_end(group)
    assert [type(event) for event in group.poll(now=1.0)] == [GroupFailed]


def test_workers_that_end_without_a_result_start_again_ever_later() -> None:
    group = group_whose_worker_says(HELLO, WorkerReady(0))
    group.start(now=0.0)
    pauses = []
    for _ in range(4):
        wait_for_the_end(group)
        assert isinstance(group.poll(now=1.0)[-1], GroupFailed)
        assert group.timer is not None
        pauses.append(group.timer - 1.0)
        group.poll(now=100.0)
    group._tear_down()
    assert pauses == [0.0, 0.25, 0.75, 1.75]


def test_a_final_fault_ends_the_first_start_and_no_later_one() -> None:
    final = WorkerFault(0, "--flag: not with this model", final=True)
    group = group_whose_worker_says(final)
    group.start(now=0.0)
    wait_for_the_end(group)
    assert group.poll(now=1.0) == [GroupRefused("--flag: not with this model")]
    assert group.timer is None
    group = group_whose_worker_says(HELLO, WorkerReady(0), final)
    group.start(now=0.0)
    wait_for_the_end(group)
    assert group.poll(now=1.0) == [GroupFailed("worker 0: --flag: not with this model")]


def test_a_result_sent_with_the_last_breath_arrives() -> None:
    group = group_whose_worker_says(HELLO, WorkerReady(0), StepResult(1, b"", 0.0))
    group.start(now=0.0)
    wait_for_the_end(group)
    assert [type(event) for event in group.poll(now=1.0)] == [StepResult, GroupFailed]


def test_a_plan_of_any_length_goes_out_bit_by_bit_and_blocks_nobody() -> None:
    with select.epoll() as waits:
        link = WorkerLink(1, waits)
        [rank] = link.worker_ends
        plans = [StepPlan(1, bytes(MAX_FRAME_BYTES), b""), StepPlan(2, b"", b"")]
        for plan in plans:
            link.broadcast(plan)
        reader, arrived = FrameReader(), list[bytes]()
        while len(arrived) < 2:
            arrived += reader.feed(rank.recv(READ_BYTES))
            assert not list(link.receive([fd for fd, _ in waits.poll(0)]))
        assert [to_worker_codec().decode(message) for message in arrived] == plans
        assert not waits.poll(0), "nothing is left to send"
        link.close()


def test_a_closed_end_is_not_waited_for_any_more() -> None:
    with select.epoll() as waits:
        link = WorkerLink(1, waits)
        result = StepResult(1, b"", 0.0)
        link.worker_ends[0].sendall(frame(from_worker_codec().encode(result)))
        link.worker_ends[0].shutdown(socket.SHUT_RDWR)
        assert list(link.receive_last()) == [result]
        assert not waits.poll(0)
        link.broadcast(StepPlan(1, b"", b""))
        link.close()
