"""The folder of the engine core's socket: nobody else enters it, and it is gone when the engine is."""

import signal
import time
from pathlib import Path

import pytest
from support.engine import Engine


def wait_for_line(engine: Engine, words: str) -> None:
    end = time.monotonic() + 20
    while words not in engine.log():
        assert time.monotonic() < end, engine.log()
        time.sleep(0.02)


def test_a_second_signal_while_workers_end_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with Engine("--endpoint=", worker=("--linger-s", "1")) as engine:
        wait_for_line(engine, "ready:")
        assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o700]
        engine.process.send_signal(signal.SIGTERM)
        for _ in range(5):
            time.sleep(0.1)
            engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(60) == 0
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o711, 0o770])
def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    with Engine("--endpoint", f"ipc://{folder}/engine") as engine:
        assert engine.process.wait(60) == 2
        log = engine.log()
    assert f"others can enter {folder} (mode {mode:04o})" in log
    assert "chmod 700" in log
    assert "Traceback" not in log


def test_a_folder_that_is_not_there_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with Engine("--endpoint", f"ipc://{folder}/engine") as engine:
        wait_for_line(engine, "ready:")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert engine.terminate() == 0
