"""What deploy/ tells an operator to run is what the programs accept."""

import re
import shlex
from pathlib import Path

import pytest

from penstock.protocol import flags
from penstock.protocol.settings import EngineSettings, FrontendSettings

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
NGINX = Path(__file__).parents[2] / "deploy" / "nginx" / "penstock.conf"
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


def test_nginx_and_the_units_agree_on_sizes_and_times() -> None:
    text = NGINX.read_text()
    (unit,) = [u for u in UNITS if "frontend" in u.name]
    keep_alive_s = float(found(r"--keep-alive-s=(\d+)", unit.read_text()))
    assert int(found(r"\bkeepalive_timeout (\d+)s;", text)) < keep_alive_s
    assert (
        int(found(r"client_max_body_size (\d+)m;", text)) << 20 == FrontendSettings().max_body_bytes
    )
    assert "proxy_buffering off;" in text
    assert f"server 127.0.0.1:{FrontendSettings().port};" in text


def found(pattern: str, text: str) -> str:
    (value,) = re.findall(pattern, text)
    return str(value)
