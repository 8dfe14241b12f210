"""The flags of `penstock bench kernels`. Knows names of kernels and shapes; loads no torch: --help is quick."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.bench.kernels.models import LOADS, MODELS, REAL, TINY, TINY_LOADS, Loads
from penstock.bench.kernels.table import OPS, chosen
from penstock.protocol.errors import SettingsError

_MOST = 1 << 20
_DESCRIPTION = """\
Time each GPU kernel by itself, at the sizes of models that people serve, and hold it against what this very device was
seen to do at best a moment before: bytes against its bandwidth, operations against its matrix products. Where torch has
the same operation, its time stands beside. Nothing is downloaded and no server is started."""
_EXAMPLES = """\
examples:
  penstock bench kernels                                           everything; some minutes
  penstock bench kernels --only attention --shapes llama-3-8b      two kernels, one model
  penstock bench kernels --only attention_decode --batches 1,128 --contexts 32768
  penstock bench kernels --json h100.json                          to keep, with device and commit
  penstock bench kernels --interpret                               without a GPU: do they run at all?
  PYTHONPATH=src python -m penstock bench kernels                  a checkout, torch and triton are enough
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    ops: tuple[str, ...]
    shapes: tuple[str, ...]
    loads: Loads
    interpreted: bool
    samples: int
    json: Path | None


def parse(argv: Sequence[str]) -> Plan:
    """Exits as programs do. Raises SettingsError."""
    given = _parser().parse_args(argv)
    shapes = _shapes(given.shapes, interpreted=given.interpret)
    usual = TINY_LOADS if shapes == (TINY,) else LOADS
    loads = Loads(
        given.batches or usual.batches,
        given.contexts or usual.contexts,
        given.prompts or usual.prompts,
    )
    if given.json and not given.json.absolute().parent.is_dir():
        raise SettingsError(f"--json {given.json}: its folder is not there")
    return Plan(chosen(given.only), shapes, loads, given.interpret, given.samples, given.json)


def _shapes(wanted: tuple[str, ...], *, interpreted: bool) -> tuple[str, ...]:
    """Raises SettingsError."""
    for name in wanted:
        if name not in MODELS:
            raise SettingsError(f"--shapes {name}: unknown; there are {', '.join(MODELS)}")
        if interpreted and name != TINY:
            raise SettingsError(
                f"--shapes {name}: the interpreter would need hours; it takes {TINY}"
            )
    return wanted or ((TINY,) if interpreted else REAL)


def _parser() -> argparse.ArgumentParser:
    kernels = "\n".join(f"  {name:<22}{op.says}" for name, op in OPS.items())
    parser = argparse.ArgumentParser(
        prog="penstock bench kernels",
        usage="%(prog)s [settings]",
        description=_DESCRIPTION,
        epilog=f"kernels:\n{kernels}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_what(parser)
    _add_how(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is measured")
    what.add_argument(
        "--only", metavar="NAME,...", type=_names, default=(), help="kernels whose names begin so"
    )
    what.add_argument(
        "--shapes",
        metavar="NAME,...",
        type=_names,
        default=(),
        help=f"of {', '.join(MODELS)}; default: all but {TINY}",
    )
    for flag, meaning, default in (
        ("--batches", "rows that decode together", LOADS.batches),
        ("--contexts", "tokens in the cache of each row", LOADS.contexts),
        ("--prompts", "tokens of a prompt", LOADS.prompts),
    ):
        told = f"{meaning}; default: {','.join(map(str, default))}"
        what.add_argument(flag, metavar="N,...", type=_sizes, help=told)


def _add_how(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("how")
    how.add_argument(
        "--samples", metavar="N", type=_size, default=50, help="runs of each, time permitting (50)"
    )
    how.add_argument("--json", metavar="FILE", type=Path, help="write the figures there as well")
    how.add_argument(
        "--interpret",
        action="store_true",
        help="tiny sizes in Triton's interpreter, on the CPU: the times mean nothing",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _size(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST}")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(_size(part) for part in text.split(","))
