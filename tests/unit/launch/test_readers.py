"""What commands print may be read in part: `penstock --help | head`."""

import os
import subprocess
import sys

import pytest

from penstock.protocol.readers import STATUS, reader_may_leave


@pytest.mark.parametrize(
    "command",
    [
        "penstock --help",
        "penstock --version",
        "penstock serve --help",
        "penstock serve --explain --port 0",
        "penstock bench serve --help",
        "penstock.engine_core --help",
        "penstock.frontend --help",
        "penstock.entrypoints.openai.api_server --explain --port 0",
    ],
)
def test_who_stops_reading_is_told_nothing_more(command: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        found = subprocess.run(
            [sys.executable, "-P", "-m", *command.split()],
            stdout=writes,
            stderr=subprocess.PIPE,
            timeout=240,
        )
    finally:
        os.close(writes)
    assert found.stderr == b""
    assert found.returncode in (0, STATUS)  # argparse does not mind


def test_another_pipe_that_breaks_is_an_error() -> None:
    with pytest.raises(BrokenPipeError), reader_may_leave():
        raise BrokenPipeError
