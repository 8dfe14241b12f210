"""Where the settings say that responses are kept. Knows places, not what lies there."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from penstock.frontend.responses.sqlite_file import MEMORY
from penstock.frontend.responses.sqlite_store import SqliteStore
from penstock.frontend.responses.store import Store
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings

OF_SQLITE = "sqlite:///"
OF_REDIS = ("redis://", "rediss://", "unix://")

log = logging.getLogger("penstock.responses")


def open_store(settings: FrontendSettings) -> Store | None:
    """Nothing is touched before its first use but the folder. Raises SettingsError."""
    given = settings.responses_store
    if given in ("none", ""):
        return None
    max_bytes = (
        sys.maxsize if settings.responses_max_bytes is None else settings.responses_max_bytes
    )
    if given.startswith(OF_REDIS):
        return _redis(given, settings.responses_max_age_s, max_bytes)
    if "://" in given and not given.startswith(OF_SQLITE):
        raise SettingsError(
            f"--responses-store {given.partition('://')[0]}://...: responses are kept in a SQLite file (its path) "
            f"or in Redis ({', '.join(OF_REDIS)})"
        )
    path = _file_of_its_own(settings) if given == "auto" else given.removeprefix(OF_SQLITE)
    return SqliteStore(path, settings.responses_max_age_s, max_bytes)


def _redis(url: str, max_age_s: float, max_bytes: int) -> Store:
    """The URL may hold a password, so no error quotes it."""
    try:
        from penstock.frontend.responses.redis_store import RedisStore  # its library is an extra
    except ImportError as error:
        raise SettingsError(
            "--responses-store redis://...: pip install 'penstock[redis]'"
        ) from error
    try:
        return RedisStore(url, max_age_s, max_bytes)
    except ValueError as error:
        raise SettingsError(f"--responses-store: no URL of a Redis: {error}") from error


def _file_of_its_own(settings: FrontendSettings) -> str:
    """In the first folder that can be written to; without one, responses live as long as their front end."""
    for folder in _folders(settings.endpoint or ""):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return str(folder / "responses.sqlite")
    log.warning("responses are kept in memory: there is no folder for --responses-store")
    return MEMORY


def _folders(endpoint: str) -> Iterator[Path]:
    """systemd's for the service, the user's, and the one where the engine's socket is."""
    if service := os.environ.get("STATE_DIRECTORY"):
        yield Path(service.partition(":")[0])
    if state := os.environ.get("XDG_STATE_HOME"):
        yield Path(state) / "penstock"
    elif (home := os.path.expanduser("~")) != "~":
        yield Path(home) / ".local" / "state" / "penstock"
    if endpoint.startswith("ipc:///"):
        yield Path(endpoint.removeprefix("ipc://")).parent
