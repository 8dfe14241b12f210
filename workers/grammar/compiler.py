"""Compiled grammars, made beside the steps. Knows constraints and ids, not the sequences that use them.

One thread compiles, nicely: its work is done without the GIL, and the cores belong to the steps. Before, each
constraint is tried in a process of its own (`trial.py`), where nothing it does can hurt a stream.

The grammar engine is imported in threads alone, once the worker serves: it would only delay the start.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.protocol.constraint import Constraint
from penstock.protocol.plan import Prepare, Prepared
from penstock.workers.grammar.errors import GrammarError, shortened
from penstock.workers.grammar.trial_process import TrialProcess

if TYPE_CHECKING:
    from llguidance import LLMatcher

    from penstock.workers.grammar.vocabulary import Vocabulary

NICENESS = 3
Report = Callable[[Prepared], None]


class Compiler:
    """Keeps what it compiled until it is released: whoever prepares bounds how much that is. Failures it forgets."""

    def __init__(self, tokenizer_file: Path, vocab_size: int) -> None:
        self._tokenizer = (tokenizer_file, vocab_size)
        self._trials = TrialProcess(tokenizer_file, vocab_size)
        self._loader = ThreadPoolExecutor(1, "vocabulary")
        self._thread = ThreadPoolExecutor(1, "grammar", _be_nice)
        self._vocabulary: Future[Vocabulary] | None = None
        self._compiled: dict[Constraint, Future[LLMatcher]] = {}
        self._names: dict[int, Constraint] = {}
        self._lock = threading.Lock()
        """For these two: failures are forgotten in the thread that compiles."""

    def load(self) -> "Future[Vocabulary]":
        """Begins to read the tokenizer. That holds the GIL, so it is best done before there is work."""
        if self._vocabulary is None:
            self._thread.submit(self._trials.start)
            self._vocabulary = self._loader.submit(_load_vocabulary, *self._tokenizer)
        return self._vocabulary

    def vocabulary(self) -> "Vocabulary":
        """Waits for it. Raises GrammarError."""
        return self.load().result()

    def prepare(self, message: Prepare, report: Report) -> None:
        """Calls `report` from another thread, once; never for what is released before its turn comes."""
        with self._lock:
            self._names[message.id] = message.constraint
        self._begin(message.constraint, message.id, report)

    def release(self, ids: list[int]) -> None:
        """Sequences that run keep their own copies. What has not been begun is not compiled any more."""
        for name in ids:
            with self._lock:
                constraint = self._names.pop(name, None)
                job = self._compiled.pop(constraint, None) if constraint else None
            if job is not None:
                job.cancel()

    def compiled(self, constraint: Constraint) -> "LLMatcher":
        """Waits for it, and compiles it first if nobody has. Raises GrammarError."""
        found = self._compiled.get(constraint)
        return (found or self._begin(constraint, 0, lambda _: None)).result()

    def close(self) -> None:
        """What is not compiled yet will not be."""
        self._trials.kill()
        self._thread.shutdown(cancel_futures=True)
        self._loader.shutdown()
        self._trials.close()

    def _begin(self, constraint: Constraint, name: int, report: Report) -> "Future[LLMatcher]":
        self.load()
        job = self._thread.submit(self._compile, constraint, name, report)
        with self._lock:
            self._compiled[constraint] = job
        job.add_done_callback(partial(self._forget_failure, name, constraint))
        return job

    def _forget_failure(self, name: int, constraint: Constraint, job: "Future[LLMatcher]") -> None:
        if not job.cancelled() and job.exception() is None:
            return
        with self._lock:
            self._names.pop(name, None)
            if self._compiled.get(constraint) is job:
                del self._compiled[constraint]

    def _compile(self, constraint: Constraint, name: int, report: Report) -> "LLMatcher":
        begun_s = time.monotonic()
        try:
            from penstock.workers.grammar.matcher import compile_grammar

            tried = self._trials.run(constraint)
            compiled = compile_grammar(self.vocabulary(), tried.grammar)
        except Exception as error:
            report(Prepared(name, _reason(error), compile_s=time.monotonic() - begun_s))
            raise
        report(Prepared(name, "", tried.num_bytes, time.monotonic() - begun_s))
        return compiled


def _reason(error: Exception) -> str:
    if isinstance(error, GrammarError):
        return shortened(str(error))
    return shortened(f"it could not be compiled: {type(error).__name__}: {error}")


def _be_nice() -> None:
    """This thread alone. Where that is not allowed, it is merely less polite."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _load_vocabulary(tokenizer_file: Path, vocab_size: int) -> "Vocabulary":
    from penstock.workers.grammar.vocabulary import load_vocabulary

    return load_vocabulary(tokenizer_file, vocab_size)
