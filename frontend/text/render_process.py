"""The program that renders templates which come with requests: one at a time, and not for long. Knows no HTTP.

It is a process of its own so that whatever a template does, in Python or in C, ends: the kernel kills it when a
job takes too long, and refuses it memory. It reads jobs from its standard input and ends with it.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO

from penstock.frontend.text import render_jobs
from penstock.frontend.text.chat_template import ChatTemplate
from penstock.frontend.text.errors import TextError
from penstock.frontend.text.render_jobs import Answer, Failed, Rendered, RenderJob

WAITING_S = 2.0
"""Of anybody's time, whatever else the machine does."""
NICENESS = 10
NUM_KEPT = 4
"""Compiled templates."""


def main(computing_s: float, max_bytes: int) -> None:
    """`computing_s` of processor time are for one job, compiling included; `max_bytes` of address space for all."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer, computing_s)


def serve(jobs: BinaryIO, answers: BinaryIO, computing_s: float) -> None:
    """Until `jobs` ends, or memory does: what a template left behind may fill it."""
    compile_once = lru_cache(NUM_KEPT)(ChatTemplate)
    while header := jobs.read(render_jobs.LENGTH_BYTES):
        job = render_jobs.decode_job(jobs.read(int.from_bytes(header, "little")))
        try:
            _set_alarms(computing_s, WAITING_S)
            answer = _render(job, compile_once)
        except MemoryError:
            _send(answers, Failed("the chat template takes too much memory"))
            return
        finally:
            _set_alarms(0.0, 0.0)
        _send(answers, answer)


def _set_alarms(computing_s: float, waiting_s: float) -> None:
    """Unhandled, either signal ends the process, even in the middle of an operation."""
    signal.setitimer(signal.ITIMER_PROF, computing_s)
    signal.setitimer(signal.ITIMER_REAL, waiting_s)


def _render(job: RenderJob, compile_template: Callable[[str], ChatTemplate]) -> Answer:
    try:
        return Rendered(compile_template(job.source).render(job.conversation))
    except TextError as error:
        return Failed(str(error))


def _send(answers: BinaryIO, answer: Answer) -> None:
    try:
        frame = render_jobs.encode(answer)
    except TextError as error:
        frame = render_jobs.encode(Failed(str(error)))
    answers.write(frame)
    answers.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
