"""The command that measures the kernels, on a device: what the tests without one can not see."""

import json

import pytest

from penstock.bench.kernels import main

pytestmark = pytest.mark.gpu


def test_tiny_sizes_are_measured_beside_the_ceilings(cuda, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    path = tmp_path / "figures.json"
    assert main(["--shapes", "tiny", "--samples", "5", "--json", str(path)]) == 0
    told = json.loads(path.read_text())
    assert told["ceilings"]["read_bytes_per_s"] > 1e10
    for one in told["results"]:
        assert one["error"] is None, one
        assert one["median_s"] > 0
        assert 0 < one["memory_share"] < 2, one
    assert "of peak" in capsys.readouterr().out
