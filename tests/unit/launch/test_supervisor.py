"""What `penstock serve` settles before it starts anything."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.addresses import claim_port, settle_count
from penstock.cli import COMMANDS, main
from penstock.protocol import sockets
from penstock.protocol.errors import SettingsError
from penstock.protocol.service_manager import Ear
from penstock.protocol.settings import EngineSettings, FrontendSettings, ServeSettings
from penstock.supervisor import Deployment, default_count, find_frontend_program


def test_a_port_in_use_is_refused_even_when_its_owner_shares_it() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="in use"):
            claim_port(FrontendSettings(host="127.0.0.1", port=other.getsockname()[1]))


def test_port_0_becomes_a_port_that_all_front_ends_share() -> None:
    assert claim_port(FrontendSettings(host="127.0.0.1", port=0)).port > 0


def test_a_unix_socket_has_one_front_end_and_says_what_it_makes_idle(
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve, frontend = ServeSettings(api_server_count=3), FrontendSettings(uds="/run/penstock.sock")
    assert settle_count(serve, frontend, {}).api_server_count == 1
    assert settle_count(serve, FrontendSettings(), {"port": "--port"}) is serve
    assert not caplog.records
    set_by = {"port": "--port", "host": "variable HOST", "api_server_count": "--api-server-count"}
    settle_count(serve, frontend, set_by)
    told = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert told == [
        "--host 0.0.0.0 (variable HOST) is not used",
        "--port 8000 is not used",
        "--api-server-count 3 is not used",
    ]
    caplog.clear()
    settle_count(ServeSettings(api_server_count=1), frontend, {"api_server_count": "x"})
    assert not caplog.records, "one is what there is"


def test_the_runtime_folder_is_private(tmp_path: Path) -> None:
    assert sockets.make_runtime_dir(None).stat().st_mode & 0o077 == 0
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with pytest.raises(SettingsError, match="700"):
        sockets.make_runtime_dir(str(shared))


def test_an_unknown_command_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sirve"]) == 2
    told = capsys.readouterr().err
    assert all(command in told for command in COMMANDS)


def test_a_model_that_is_not_there_ends_the_start_with_the_reason() -> None:
    found = subprocess.run(
        [sys.executable, "-P", "-m", "penstock.cli", "serve", "/no/such/model", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert found.returncode != 0
    assert "/no/such/model" in found.stderr
    assert "Traceback" not in found.stderr


def test_an_engine_core_that_ends_during_a_stop_is_not_restarted(tmp_path: Path) -> None:
    """As when systemd signals every process of a unit: the engine core ends before the front ends have."""

    async def scenario() -> None:
        ear = Ear(tmp_path)
        deployment = Deployment(EngineSettings(), FrontendSettings(), ServeSettings(), ear)
        deployment._was_ready = True
        assert not deployment._engine_gives_up(0)
        deployment.stop()
        assert deployment._engine_gives_up(0)

    asyncio.run(scenario())


def test_there_is_one_of_a_front_end_program_unless_more_are_asked_for() -> None:
    serve = ServeSettings(frontend_program="sh")
    assert default_count(serve, {}).api_server_count == 1
    assert default_count(serve, {"api_server_count": "--api-server-count"}) is serve
    assert default_count(ServeSettings(), {}) == ServeSettings()


def test_a_front_end_program_is_found_by_path_or_by_name_or_refused() -> None:
    assert find_frontend_program(ServeSettings()).frontend_program is None
    found = find_frontend_program(ServeSettings(frontend_program="sh")).frontend_program
    assert found is not None
    assert Path(found).is_absolute()
    for wrong in ("/no/such/program", __file__):
        with pytest.raises(SettingsError, match=wrong):
            find_frontend_program(ServeSettings(frontend_program=wrong))
