"""Tries grammars in a process of its own, which may die of one. Knows one model's tokens and no sequence.

    python -m penstock.workers.grammar.trial TOKENIZER_FILE VOCAB_SIZE

An empty `Tried` says that it is ready. Then a frame of `Constraint` comes in, a frame of `Tried` goes out. What
takes too long, too much memory or too much stack ends the process; whoever asked sees how (`trial_process.py`)
and starts another.
"""

import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from penstock.protocol.constraint import Constraint
from penstock.protocol.frames import READ_BYTES, FrameReader, frame
from penstock.workers.grammar import limits
from penstock.workers.grammar.errors import GrammarError, shortened
from penstock.workers.grammar.language import grammar_of
from penstock.workers.grammar.mask_row import MaskRow
from penstock.workers.grammar.matcher import Matcher, compile_grammar
from penstock.workers.grammar.trial_process import Tried
from penstock.workers.grammar.vocabulary import Vocabulary, load_vocabulary
from penstock.workers.lifetime import follow_parent

NICENESS = 3
_PAGE = os.sysconf("SC_PAGE_SIZE")


def try_out(constraint: Constraint, vocabulary: Vocabulary) -> Tried:
    """Compiles it and says a few random tokens."""
    before = _memory(1)
    try:
        grammar = grammar_of(constraint)
        matcher = Matcher(compile_grammar(vocabulary, grammar), vocabulary, (vocabulary.end,))
        _walk(matcher, vocabulary)
    except GrammarError as error:
        return Tried(error=shortened(str(error), constraint.text))
    return Tried("", grammar, max(_memory(1) - before, len(grammar)))


def _walk(matcher: Matcher, vocabulary: Vocabulary) -> None:
    """Many grammars are small to write and to compile, and only then show what they cost."""
    dice, row = random.Random(0), MaskRow(np.zeros(vocabulary.num_words, dtype=np.uint32))
    for place in range(limits.WALK_TOKENS):
        started = time.thread_time()
        _fill(matcher, row, place)
        took_s = time.thread_time() - started
        if took_s > limits.SLOWEST_MASK_S:
            raise GrammarError(f"it takes {took_s:.1f} s to find out which tokens may follow")
        token = dice.choice(row.tokens())
        if token == vocabulary.end:
            return
        matcher.push(token)


def _fill(matcher: Matcher, row: MaskRow, place: int) -> None:
    try:
        matcher.fill(row)
    except GrammarError as error:
        if not place and "NoExtension" in str(error):
            raise GrammarError("nothing satisfies it") from error
        raise


def main() -> None:
    """Serves until its input ends. The thread has a small stack, so that overflows show here."""
    follow_parent()
    os.nice(NICENESS)
    tokenizer_file, vocab_size = Path(sys.argv[1]), int(sys.argv[2])
    threading.stack_size(limits.TRIAL_STACK_BYTES)
    serving = threading.Thread(target=_serve, args=(_trier(tokenizer_file, vocab_size),))
    _limit_memory()
    serving.start()
    serving.join()


def _trier(tokenizer_file: Path, vocab_size: int) -> Callable[[Constraint], Tried]:
    try:
        vocabulary = load_vocabulary(tokenizer_file, vocab_size)
    except GrammarError as error:
        refusal = Tried(error=str(error))
        return lambda _: refusal
    return lambda constraint: try_out(constraint, vocabulary)


def _limit_memory() -> None:
    most = _memory(0) + limits.TRIAL_STACK_BYTES + limits.TRIAL_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve(trier: Callable[[Constraint], Tried]) -> None:
    reader, decoder = FrameReader(), msgspec.msgpack.Decoder(Constraint)
    _say(Tried())
    while data := os.read(sys.stdin.fileno(), READ_BYTES):
        for message in reader.feed(data):
            constraint = decoder.decode(message)
            signal.setitimer(signal.ITIMER_PROF, limits.TRIAL_CPU_S)
            tried = _tried(trier, constraint)
            signal.setitimer(signal.ITIMER_PROF, 0)
            _say(tried)


def _say(tried: Tried) -> None:
    sys.stdout.buffer.write(frame(msgspec.msgpack.encode(tried)))
    sys.stdout.buffer.flush()


def _tried(trier: Callable[[Constraint], Tried], constraint: Constraint) -> Tried:
    try:
        return trier(constraint)
    except MemoryError:
        return Tried(error="it takes too much memory")
    except BaseException as error:  # a panic of the grammar engine is no Exception
        reason = f"the grammar engine failed: {type(error).__name__}: {error}"
        return Tried(error=shortened(reason, constraint.text))


def _memory(field: int) -> int:
    """Bytes of this process: 0 is its address space, 1 what is in memory."""
    return int(Path("/proc/self/statm").read_text().split()[field]) * _PAGE


if __name__ == "__main__":
    main()
