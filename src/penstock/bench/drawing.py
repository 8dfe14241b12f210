"""Opens a drawing and writes it as PNG. Knows matplotlib, not what is drawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.protocol.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISSING = "drawing needs matplotlib, which is not installed: pip install 'penstock[bench]'"
PANEL_INCHES = (5.6, 3.6)
DPI = 110
COLORS = ("#1f6feb", "#d1570f", "#1a7f37", "#8250df", "#bf3989", "#57606a")
STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def check() -> None:
    """Raises SettingsError where nothing can be drawn: better before a run than after."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SettingsError(MISSING) from error


@contextmanager
def panels(path: str, title: str, rows: int, columns: int) -> "Iterator[list[Axes]]":
    """`rows * columns` axes, by row; the file is written at the end. Raises SettingsError."""
    check()
    import matplotlib  # slow to import, and wanted by few

    matplotlib.use("Agg")
    from matplotlib import pyplot

    width, height = PANEL_INCHES
    with matplotlib.rc_context(STYLE):
        size = (width * columns, height * rows + 0.4)
        figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
        figure.suptitle(title, fontsize=11)
        yield list(axes.flat)
        figure.tight_layout()
        _save(figure, path)
        pyplot.close(figure)


def _save(figure: Any, path: str) -> None:
    try:
        figure.savefig(path, dpi=DPI, format="png")
    except OSError as error:
        raise SettingsError(f"nothing can be drawn into {path}: {error.strerror}") from error


def color(index: int) -> str:
    return COLORS[index % len(COLORS)]
