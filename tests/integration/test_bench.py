"""`penstock bench` against real deployments of brook: every figure it promises is there."""

import json
from pathlib import Path

import pytest
from support.deployment import Deployment

from penstock.bench.commands import main


@pytest.mark.parametrize("backend", ["openai", "openai-chat"])
def test_serve_measures_a_real_server(brook: Deployment, tmp_path: Path, backend: str) -> None:
    size = ["--num-prompts", "8", "--random-input-len", "16", "--random-output-len", "12"]
    how = ["--backend", backend, "--ignore-eos", "--temperature", "0", "--max-concurrency", "4"]
    kept = ["--save-result", "--save-detailed", "--result-filename", str(tmp_path / "r.json")]
    assert main(["serve", "--base-url", brook.url, *size, *how, *kept]) == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["completed"], found["failed"]) == (8, 0)
    assert found["total_output_tokens"] == 8 * 12
    if backend == "openai":
        assert found["total_input_tokens"] == 8 * 16
    assert found["num_uncounted_answers"] == found["num_short_answers"] == 0
    assert found["max_concurrent_requests"] <= 4
    assert 0 < found["p99_ttft_ms"] <= found["p99_e2el_ms"]
    assert found["model_id"] == "brook"


def test_startup_sees_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = ["--num-iters-cold", "1", "--num-iters-warmup", "0", "--num-iters-warm", "0"]
    file = tmp_path / "startup.json"
    # With an empty cache the native kernels would be built, which shows nothing more here.
    flags = ["--kv-cache-memory-bytes", "256MiB", "--cpu-kernels", "reference"]
    flags += ["--api-server-count", "1"]
    assert main(["startup", "brook", *times, "--output-json", str(file), *flags]) == 0
    (start,) = json.loads(file.read_text())["cold_starts"]
    assert set(start["seconds"]) == {"supervisor", "front end", "worker", "ready"}
    assert start["seconds"]["ready"] == max(start["seconds"].values())
    names = [name for name, _ in start["resident_bytes"]]
    always = [name for name in names if name != "grammar trial"]  # it may come a little later
    assert sorted(always) == ["engine core", "front end", "supervisor", "worker"]
    assert "cold start 1" in capsys.readouterr().out


def test_latency_starts_a_server_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    batch = ["--batch-size", "2", "--num-iters", "2", "--num-iters-warmup", "1"]
    flags = ["--output-len", "4", "--kv-cache-memory-bytes", "256MiB"]
    assert main(["latency", *batch, *flags]) == 0
    assert "Avg latency" in capsys.readouterr().out


def test_a_server_that_cannot_start_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["throughput", "/no/such/model", "--num-prompts", "1"]) == 1
    assert "/no/such/model: no such model folder" in capsys.readouterr().err
