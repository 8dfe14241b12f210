"""What deploy/ tells an operator to run is what the programs accept."""

import shlex
from pathlib import Path

import pytest

from penstock.protocol import flags
from penstock.protocol.settings import EngineSettings, FrontendSettings

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
PROGRAMS = {"engine-core": EngineSettings, "api-frontend": FrontendSettings}


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_each_unit_starts_a_program_with_flags_it_knows(unit: Path) -> None:
    (line,) = [x for x in unit.read_text().splitlines() if x.startswith("ExecStart=")]
    program, *argv = shlex.split(line.removeprefix("ExecStart="))
    settings = flags.parse(program, "", [PROGRAMS[Path(program).name]], argv, {})[0]
    assert settings.endpoint == "ipc:///run/penstock/engine"


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_a_unit_leaves_time_to_drain(unit: Path) -> None:
    (line,) = [x for x in unit.read_text().splitlines() if x.startswith("TimeoutStopSec=")]
    assert int(line.split("=")[1]) > FrontendSettings().drain_timeout_s
