"""Listening on a Unix socket: who may connect, and whose place is taken."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from support.fake_engine import FakeEngine
from support.frontend_program import FrontendProgram

from penstock.frontend.http.listening import listen
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("flags", "mode"), [([], 0o600), (["--uds-mode", "660"], 0o660)])
def test_a_front_end_answers_there(
    byte_model: Path, tmp_path: Path, flags: list[str], mode: int
) -> None:
    path = tmp_path / "front"
    with (
        FakeEngine() as engine,
        FrontendProgram(byte_model, engine, "--uds", str(path), *flags) as program,
    ):
        assert program.address == f"unix:{path}"
        assert permissions(path) == mode
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in connection.recv(4096)
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_permissions_are_those_asked_for_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        for mode in ("600", "660", "666"):
            with listen(FrontendSettings(uds=str(tmp_path / mode), uds_mode=mode)):
                assert permissions(tmp_path / mode) == int(mode, 8)
    finally:
        os.umask(before)


def test_what_a_former_process_left_is_replaced(tmp_path: Path) -> None:
    settings = FrontendSettings(uds=str(tmp_path / "s"))
    listen(settings).close()
    with listen(settings) as listener:
        assert listener.getsockname() == settings.uds


def test_a_socket_in_use_is_not_taken_over(tmp_path: Path) -> None:
    settings = FrontendSettings(uds=str(tmp_path / "s"))
    with listen(settings) as listener:
        listener.listen(0)
        with pytest.raises(SettingsError, match="another program serves there"):
            listen(settings)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(SettingsError, match="in use"):
        listen(FrontendSettings(uds=str(path)))
    assert path.read_text() == "mine"
