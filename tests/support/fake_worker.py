"""A worker program without torch: speaks `protocol.plan` over real sockets and checks what it is asked to do.

Its tokens are those of `paper_model`. Options make it crash, hang or fail once after so many steps: a file that
it leaves in --state-dir tells the next one that it has happened.

A constraint is "compiled" after --prepare-s. One whose text begins with "bad" cannot be, "kills" ends the worker,
and "breaks" lets it run into an error at the third token.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from penstock.protocol.codec import Codec, from_worker_codec, to_worker_codec
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.protocol.plan import (
    Configure,
    Prepare,
    Prepared,
    Release,
    Shutdown,
    StepPlan,
    ToWorker,
    WorkerFault,
    WorkerHello,
    WorkerProgress,
    WorkerReady,
)
from penstock.protocol.token_ids import unpack
from support.paper_model import VOCAB_SIZE
from support.paper_worker import PaperWorker

KV_BYTES_PER_TOKEN = 64


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--model-dir", required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--tensor-parallel-size", type=int, required=True)
    parser.add_argument("--pipeline-parallel-size", type=int, required=True)
    parser.add_argument("--rendezvous", required=True)
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--crash-after", type=int, help="steps; SIGKILLs itself, once")
    parser.add_argument("--hang-after", type=int, help="steps; answers no more, once")
    parser.add_argument("--fault-at-start", type=int, default=0, help="so many times")
    parser.add_argument("--refuse", help="why no start could go well")
    parser.add_argument("--poison", type=int, help="dies whenever a prompt begins with this id")
    parser.add_argument("--step-s", type=float, default=0.0)
    parser.add_argument("--prepare-s", type=float, default=0.0)
    parser.add_argument("--load-s", type=float, default=0.0)
    parser.add_argument("--linger-s", type=float, default=0.0, help="before it ends")
    parser.add_argument("--kv-bytes", type=int, default=KV_BYTES_PER_TOKEN * 16 * 1000)
    parser.add_argument("--max-position", type=int, default=2048)
    return parser.parse_known_args()[0]


class FakeWorker:
    """One rank."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.socket = socket.socket(fileno=args.link)
        self.encoder: Codec[Any] = from_worker_codec()
        self.paper: PaperWorker | None = None
        self.num_steps = 0
        self.timers: dict[int, threading.Timer] = {}

    def send(self, message: Any) -> None:
        self.socket.sendall(frame(self.encoder.encode(message)))

    def once(self, what: str, times: int = 1) -> bool:
        """Whether `what` is still to happen; it is then noted as done."""
        note = self.args.state_dir / what
        done = int(note.read_text()) if note.exists() else 0
        if done < times:
            note.write_text(str(done + 1))
        return done < times

    def run(self) -> int:
        args = self.args
        if args.refuse:
            self.send(WorkerFault(args.rank, args.refuse, final=True))
            return 1
        if args.fault_at_start and self.once("fault", args.fault_at_start):
            self.send(WorkerFault(args.rank, "made to fail", "ask for less"))
            return 1
        self.send(WorkerProgress(args.rank, "loading", 0.5))
        time.sleep(args.load_s)
        self.send(
            WorkerHello(
                args.rank,
                os.getpid(),
                "float32",
                VOCAB_SIZE,
                args.max_position,
                KV_BYTES_PER_TOKEN,
                args.kv_bytes,
                0,
                args.load_s,
            )
        )
        for message in self.messages():
            match message:
                case Configure() as configure:
                    self.configure(configure)
                case StepPlan() as plan:
                    self.step(plan)
                case Prepare() as prepare:
                    timer = threading.Timer(args.prepare_s, self.prepared, (prepare,))
                    self.timers[prepare.id] = timer
                    timer.start()
                case Release(ids):
                    for name in ids:
                        self.timers.pop(name).cancel()
                case Shutdown():
                    time.sleep(self.args.linger_s)
                    return 0
        return 0

    def prepared(self, prepare: Prepare) -> None:
        note = self.args.state_dir / "prepared"
        with note.open("a") as lines:
            lines.write(prepare.constraint.text + "\n")
        if prepare.constraint.text.startswith("kills"):
            os.kill(os.getpid(), signal.SIGKILL)
        is_bad = prepare.constraint.text.startswith("bad")
        self.send(Prepared(prepare.id, "it is bad" if is_bad else "", 1000))

    def messages(self) -> Iterator[ToWorker]:
        decoder, reader = to_worker_codec(), FrameReader()
        while data := self.socket.recv(READ_BYTES):
            yield from map(decoder.decode, reader.feed(data))

    def configure(self, configure: Configure) -> None:
        self.paper = PaperWorker(
            configure.num_blocks,
            configure.block_size,
            configure.max_num_seqs,
            configure.max_num_batched_tokens,
        )
        self.send(WorkerReady(self.args.rank))

    def step(self, plan: StepPlan) -> None:
        assert self.paper is not None
        self.num_steps += 1
        self.misbehave(plan)
        time.sleep(self.args.step_s)
        self.send(self.paper.execute(plan))

    def misbehave(self, plan: StepPlan) -> None:
        args = self.args
        poison = [s for s in plan.starts if unpack(s.token_ids)[0] == args.poison]
        crash = args.crash_after is not None and self.num_steps > args.crash_after
        if poison or (crash and self.once("crash")):
            os.kill(os.getpid(), signal.SIGKILL)
        if args.hang_after is not None and self.num_steps > args.hang_after and self.once("hang"):
            time.sleep(1000)


if __name__ == "__main__":
    sys.exit(FakeWorker(parse()).run())
