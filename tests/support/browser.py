"""Programs that drive a browser: how each is run, what its scenes saw. Knows no scene's meaning."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "integration" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 400
REFUSED = "error: Failed to load resource: "
"""What Chromium itself says of an answer that refuses or never comes, whatever the page makes of it."""


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing() -> str:
    """What must be installed before a scene can be played; empty where all is there."""
    if shutil.which("node") is None:
        return "node is not installed"
    has_all = find_browser() and (FOLDER / "node_modules").exists()
    return "" if has_all else "run tests/integration/browser/install first"


def play(program: str, scene: str, url: str) -> Any:
    """What the scene saw. AssertionError where it failed, said anything on the console or left this host."""
    browser = find_browser()
    assert browser is not None
    done = subprocess.run(
        ["node", str(FOLDER / program), browser, url, scene],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line = json.loads(done.stdout)
    assert "error" not in line, f"{line['error']}\n{line['said']}"
    said = [words for words in line["said"] if not words.startswith(REFUSED)]
    assert (said, line["elsewhere"]) == ([], [])
    return line["seen"]
