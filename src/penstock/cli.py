"""The `penstock` command: picks the program. Knows no settings; each program declares its own."""

import sys
from collections.abc import Callable, Sequence

from penstock import __version__
from penstock.protocol.readers import reader_may_leave

USAGE = """usage: penstock COMMAND ...

commands:
  serve [MODEL]    start an engine core, its worker and the front ends on one port
  engine-core      start the engine core alone (front ends connect to it)
  api-frontend     start one front end alone, towards a running engine core
  bench            measure servers: load, latency, throughput, startup, plots; and GPU kernels

  penstock COMMAND --help    what each can be told
  penstock --version
"""


def _serve(argv: Sequence[str]) -> int:
    from penstock.supervisor import main

    return main(argv)


def _engine_core(argv: Sequence[str]) -> int:
    from penstock.engine_core.__main__ import main

    return main(argv)


def _api_frontend(argv: Sequence[str]) -> int:
    from penstock.frontend.__main__ import main

    return main(argv)


def _bench(argv: Sequence[str]) -> int:
    from penstock.bench.commands import main

    return main(argv)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "serve": _serve,
    "engine-core": _engine_core,
    "api-frontend": _api_frontend,
    "bench": _bench,
}


@reader_may_leave()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    match arguments:
        case ["--version" | "-V", *_]:
            print(__version__)
            return 0
        case [command, *rest] if command in COMMANDS:
            return COMMANDS[command](rest)
        case [] | ["--help" | "-h" | "help", *_]:
            print(USAGE, end="")
            return 0
        case _:
            print(f"penstock: unknown command {arguments[0]!r}\n\n{USAGE}", end="", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
