"""Saying that one is ready, and hearing it: over the socket that systemd names, or our own supervisor."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from penstock.protocol import service_manager
from penstock.protocol.service_manager import READY, STOPPING, Ear


def test_what_is_said_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        (tmp_path / "notices").write_text("of a former process")
        with Ear(tmp_path) as ear:
            for name, value in ear.environ.items():
                monkeypatch.setenv(name, value)
            service_manager.notify(STOPPING)
            await asyncio.sleep(0.05)
            assert not ear.is_ready
            service_manager.notify(READY)
            await asyncio.sleep(0.05)
            assert ear.is_ready

    asyncio.run(scenario())


def test_several_words_in_one_message_are_understood(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Ear(tmp_path) as ear, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(b"\xff\nSTATUS=x\nREADY=1\n", str(tmp_path / "notices"))
            await asyncio.sleep(0.05)
            assert ear.is_ready

    asyncio.run(scenario())


def test_abstract_sockets_are_spoken_to_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"@penstock-test-{os.getpid()}"
    monkeypatch.setenv(service_manager.VARIABLE, name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:])
        service_manager.notify(READY)
        assert listener.recv(64) == b"READY=1"


def test_nobody_listening_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(service_manager.VARIABLE, raising=False)
    service_manager.notify(READY)
    monkeypatch.setenv(service_manager.VARIABLE, str(tmp_path / "gone"))
    service_manager.notify(READY)
