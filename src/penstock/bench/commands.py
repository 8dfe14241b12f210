"""The `penstock bench` command: picks the benchmark. Knows no settings; each benchmark declares its own."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from penstock.bench.errors import BenchError
from penstock.protocol.errors import PenstockError

USAGE = """usage: penstock bench COMMAND ...

commands:
  serve        load on a running server, of whatever make: throughput, latencies, goodput
  latency      one batch at a time through a server of its own
  throughput   all prompts at once through a server of its own
  startup      from the command to ready, step by step, and the memory of each process
  kernels      each GPU kernel by itself, beside what the device can do at best
  plot         draw saved results: one run, a sweep of several, or how a cost grows

  penstock bench COMMAND --help    settings and examples
"""

COMMANDS = ("serve", "latency", "throughput", "startup", "kernels", "plot")
INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Runs one benchmark and returns its exit status: 0, 1 nothing measured, 2 bad settings."""
    match list(argv):
        case [command, *rest] if command in COMMANDS:
            return _run(command, rest)
        case [] | ["--help" | "-h" | "help", *_]:
            print(USAGE, end="")
            return 0
        case _:
            told = f"penstock bench: unknown command {argv[0]!r}\n\n{USAGE}"
            print(told, end="", file=sys.stderr)
            return 2


def _run(command: str, argv: Sequence[str]) -> int:
    program: Callable[[Sequence[str]], int] = import_module(f"penstock.bench.{command}").main
    try:
        return program(argv)
    except BenchError as error:
        print(f"penstock bench {command}: {error}", file=sys.stderr)
        return 1
    except PenstockError as error:
        print(f"penstock bench {command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
