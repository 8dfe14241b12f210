"""Where the settings say that responses are kept. Knows places, not what lies there."""

import logging
import os
import sys
from pathlib import Path

from penstock.frontend.responses.sqlite_file import MEMORY
from penstock.frontend.responses.sqlite_store import SqliteStore
from penstock.frontend.responses.store import Store
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings

log = logging.getLogger("penstock.responses")


def open_store(settings: FrontendSettings) -> Store | None:
    """Nothing is touched before its first use but the folder. Raises SettingsError."""
    given = settings.responses_store
    if given in ("none", ""):
        return None
    if "://" in given and not given.startswith("sqlite:///"):
        raise SettingsError(
            f"--responses-store {given}: this version keeps responses in a SQLite file; name its path."
        )
    path = _state_file() if given == "auto" else given.removeprefix("sqlite:///")
    max_bytes = (
        sys.maxsize if settings.responses_max_bytes is None else settings.responses_max_bytes
    )
    return SqliteStore(path, settings.responses_max_age_s, max_bytes)


def _state_file() -> str:
    """Without a folder that can be written to, responses live as long as their front end."""
    base = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    folder = Path(base) / "penstock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("responses are kept in memory: %s: %s", folder, error.strerror)
        return MEMORY
    return str(folder / "responses.sqlite")
