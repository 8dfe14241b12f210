"""Programs that drive a browser: how each is run, what its scenes saw. Knows no scene's meaning."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "integration" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 240


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing() -> str:
    """What must be installed before a scene can be played; empty where all is there."""
    if shutil.which("node") is None:
        return "node is not installed"
    has_all = find_browser() and (FOLDER / "node_modules").exists()
    return "" if has_all else "run tests/integration/browser/install first"


class Scene:
    """What one scene saw. `said` is the console, `elsewhere` lists requests to other hosts."""

    def __init__(self, line: dict[str, Any]) -> None:
        assert "error" not in line, f"{line['scene']}: {line['error']}\n{line['said']}"
        self.seen: Any = line["seen"]
        self.said: list[str] = line["said"]
        self.elsewhere: list[str] = line["elsewhere"]


def play(program: str, url: str) -> dict[str, Scene]:
    """Runs a program of the folder against one server, and judges what no page may do."""
    browser = find_browser()
    assert browser is not None
    done = subprocess.run(
        ["node", str(FOLDER / program), browser, url],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scenes = {line["scene"]: Scene(line) for line in map(json.loads, done.stdout.splitlines())}
    assert scenes
    return scenes
