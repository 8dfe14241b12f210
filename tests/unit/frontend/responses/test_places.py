"""Where responses are kept when nothing, something and nonsense is said about it."""

import sys
from pathlib import Path

import pytest

from penstock.frontend.responses.places import _file_of_its_own, open_store
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings


def test_none_keeps_nothing() -> None:
    assert open_store(FrontendSettings(responses_store="none")) is None


def test_other_databases_are_refused_without_their_passwords() -> None:
    with pytest.raises(SettingsError, match="SQLite") as refused:
        open_store(FrontendSettings(responses_store="postgres://me:secret@host"))
    assert "secret" not in str(refused.value)


def test_redis_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "penstock.frontend.responses.redis_store", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(SettingsError, match=r"pip install 'penstock\[redis\]'"):
        open_store(FrontendSettings(responses_store="redis://host"))


def test_a_wrong_address_of_redis_is_told() -> None:
    with pytest.raises(SettingsError, match="no URL of a Redis"):
        open_store(FrontendSettings(responses_store="redis://host:port/x"))


@pytest.mark.parametrize("service", ["", "service"])
def test_the_services_folder_goes_before_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STATE_DIRECTORY", service and str(tmp_path / service))
    folder = tmp_path / service if service else tmp_path / "state" / "penstock"
    assert _file_of_its_own(FrontendSettings()) == str(folder / "responses.sqlite")
    assert folder.is_dir()


def test_without_a_home_it_is_beside_the_engines_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    settings = FrontendSettings(endpoint=f"ipc://{tmp_path}/engine")
    assert _file_of_its_own(settings) == str(tmp_path / "responses.sqlite")
    assert _file_of_its_own(FrontendSettings()) == ":memory:"
