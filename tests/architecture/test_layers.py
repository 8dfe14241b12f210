"""Who may import whom, and what an import may cost."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIGHT = ["penstock.protocol.flags", "penstock.cli", "penstock.supervisor"]
PROGRAMS = ["penstock.engine_core.__main__", "penstock.frontend.program"]
HEAVY = ("torch", "numpy", "transformers")


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True, timeout=240
    ).stdout


def test_the_import_contracts_hold() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("module", LIGHT + PROGRAMS)
def test_programs_without_tensors_never_load_torch(module: str) -> None:
    loaded = _python(f"import sys, {module}; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize("module", LIGHT + PROGRAMS)
def test_importing_a_light_program_stays_cheap(module: str) -> None:
    """CPU seconds, the best of three: budgets are generous because machines are noisy."""
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    assert min(float(_python(code)) for _ in range(3)) < 1.0


@pytest.mark.long
def test_every_module_imports_alone() -> None:
    """No module may rely on another having been imported first."""
    modules = sorted(
        ".".join(("penstock", *path.relative_to(ROOT).with_suffix("").parts))
        for package in ("protocol", "frontend", "engine_core")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__main__.py"
    )
    code = "import importlib, sys\n" + "\n".join(
        f"importlib.import_module({m.removesuffix('.__init__')!r})\n"
        "for n in [n for n in sys.modules if n.startswith('penstock')]: del sys.modules[n]"
        for m in modules
    )
    _python(code)


def test_each_module_says_its_one_job() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for package in ("protocol", "frontend", "engine_core", "workers", "kernels", "src/penstock")
        for path in (ROOT / package).rglob("*.py")
        if not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert not silent


def test_no_file_grows_past_the_limit() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("protocol", "frontend", "engine_core", "workers", "kernels")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
