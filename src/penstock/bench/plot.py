"""`penstock bench plot`: results on disk to one PNG. Knows the files' forms, not how they are drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from penstock.bench.command_line import Usage, parse_some
from penstock.bench.plot_growth import SCHEMA as GROWTH
from penstock.bench.plot_growth import Growth, draw_growth
from penstock.bench.plot_run import draw_run
from penstock.bench.plot_sweep import draw_sweep
from penstock.bench.result import SCHEMA as RUN
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings.field import described

USAGE = Usage(
    "penstock bench plot FILE ...",
    """\
Draw what `penstock bench serve --save-result` saved: one run alone, or several as a sweep, one line for each
--label along their concurrency or rate. Files of form penstock-growth/1 (docs/benchmarking.md) are drawn as
cost against work.""",
    """\
  penstock bench plot run.json                      distributions, and output over time
  for c in 1 4 16 64; do penstock bench serve --max-concurrency $c --num-prompts $((8 * c)) \\
      --label mine --save-result --result-dir sweep; done
  penstock bench plot sweep/*.json --output sweep.png
""",
)


class PlotSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to."""

    output: Annotated[
        str | None, described("The PNG file; default: the first file's name.", flags=["-o"])
    ] = None


def main(argv: Sequence[str]) -> int:
    """Raises SettingsError."""
    (settings,), files = parse_some(USAGE, [PlotSettings], argv)
    unknown = [name for name in files if name.startswith("-")]
    if unknown or not files:
        raise SettingsError(f"unknown setting {unknown[0]}" if unknown else "name a file (--help)")
    results = [one for name in files for one in read_results(name)]
    path = settings.output or str(Path(files[0]).with_suffix(".png"))
    _draw(results, path)
    print(f"drawn into {path}")
    return 0


def read_results(name: str) -> list[dict[str, Any]]:
    """The results in a file, one on each line. Raises SettingsError."""
    try:
        lines = Path(name).read_bytes().splitlines()
        found = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line.strip()]
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(f"{name}: {error}") from error
    for one in found:
        if one.get("schema") not in (RUN, GROWTH):
            raise SettingsError(f"{name}: expected a result of form {RUN} or {GROWTH}")
    if not found:
        raise SettingsError(f"{name}: no result in it")
    return found


def _draw(results: list[dict[str, Any]], path: str) -> None:
    growths = [one for one in results if one["schema"] == GROWTH]
    if growths and len(growths) < len(results):
        raise SettingsError(f"results of form {RUN} and {GROWTH} do not go into one plot")
    try:
        if growths:
            draw_growth(msgspec.convert(growths, list[Growth]), path)
        elif len(results) == 1:
            draw_run(results[0], path)
        else:
            draw_sweep(results, path)
    except (KeyError, msgspec.ValidationError) as error:
        raise SettingsError(f"a result lacks what its form promises: {error}") from error
