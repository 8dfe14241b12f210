"""`penstock bench serve` from flags to files, against a server whose answers are known."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.openai_server import FakeOpenAI

from penstock.bench.commands import main

FEW = ["--num-prompts", "6", "--random-input-len", "4", "--random-output-len", "3"]


def bench(server: FakeOpenAI, *argv: str) -> int:
    return main(["serve", "--base-url", server.url, *FEW, *argv])


def saved(server: FakeOpenAI, folder: Path, *argv: str) -> dict[str, Any]:
    """The result of a run that succeeds."""
    file = folder / "result.json"
    save = ["--save-result", "--result-dir", str(folder), "--result-filename", file.name]
    assert bench(server, *save, *argv) == 0
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_a_run_is_counted_and_kept(tmp_path: Path) -> None:
    with FakeOpenAI() as server:
        found = saved(server, tmp_path, "--metadata", "machine=mine", "--label", "A")
    assert (found["completed"], found["failed"]) == (6, 0)
    assert (found["total_input_tokens"], found["total_output_tokens"]) == (42, 18)
    assert found["output_throughput"] == pytest.approx(18 / found["duration"])
    assert found["total_token_throughput"] == pytest.approx(60 / found["duration"])
    assert (found["model_id"], found["label"], found["machine"]) == ("fake", "A", "mine")
    assert found["request_rate"] == "inf"
    assert found["request_goodput"] is None
    assert "ttfts" not in found


def test_known_timings_are_measured(tmp_path: Path) -> None:
    """Sleeps are never shorter than asked for: lower bounds are exact, upper ones are a loaded machine's."""
    with FakeOpenAI(first_s=0.1, between_s=0.05) as server:
        detailed = saved(server, tmp_path, "--save-detailed", "--metric-percentiles", "0,100")
    assert 100 <= detailed["p0_ttft_ms"] <= detailed["median_ttft_ms"] < 1000
    assert 49 <= detailed["median_tpot_ms"] < 500
    assert detailed["p0_e2el_ms"] >= 199
    assert all(len(itls) == 2 for itls in detailed["itls"])
    assert all(ttft >= 0.1 for ttft in detailed["ttfts"])
    assert detailed["client_cpu_share"] < 1
    assert sum(detailed["timeline"]["output_tokens"]) == pytest.approx(18)
    assert len(detailed["quantiles_ms"]["ttft"]) == 101


def test_goodput_is_told_between_all_and_nothing(tmp_path: Path) -> None:
    with FakeOpenAI(first_s=0.05) as server:
        generous = saved(server, tmp_path, "--goodput", "ttft:60000", "e2el:60000")
        strict = saved(server, tmp_path, "--goodput", "ttft:40")
    assert generous["request_goodput"] == pytest.approx(generous["request_throughput"])
    assert strict["request_goodput"] == 0


def test_what_is_sent_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    extra = ["--ignore-eos", "--temperature", "0", "--header", "x-team=pipes", "--logprobs", "2"]
    with FakeOpenAI() as server:
        assert bench(server, *extra, "--extra-body", '{"user": "me", "max_tokens": 2}') == 0
    body = server.seen[0]
    assert len(body["prompt"]) == 4
    assert all(isinstance(token, int) for token in body["prompt"])
    wanted = {"ignore_eos": True, "temperature": 0, "user": "me", "max_tokens": 2, "logprobs": 2}
    assert wanted.items() <= body.items()
    assert (body["model"], body["stream"]) == ("fake", True)
    assert "top_p" not in body
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert server.headers[0]["x-team"] == "pipes"


@pytest.mark.parametrize(
    "flags", [["--backend", "openai-chat"], ["--endpoint", "/v1/chat/completions"]]
)
def test_a_chat_is_asked_in_words(tmp_path: Path, flags: list[str]) -> None:
    with FakeOpenAI() as server:
        found = saved(server, tmp_path, *flags)
    (message,) = server.seen[0]["messages"]
    assert len(message["content"].split()) == 4
    assert found["total_output_tokens"] == 18  # the opening and the closing chunk are none
    assert found["backend"] == "openai-chat"


LONG = ["--num-prompts", "6", "--random-input-len", "1024", "--random-output-len", "128"]


def num_words(server: FakeOpenAI) -> list[int]:
    return [len(body["messages"][0]["content"].split()) for body in server.seen]


def test_a_chat_is_as_many_tokens_as_asked_for_where_the_server_counts_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FakeOpenAI(max_model_len=2048, tokens_per_word=2.0) as server:
        assert bench(server, *LONG, "--backend", "openai-chat", "--warmup", "1") == 0
    assert num_words(server) == [512] * 7
    told = capsys.readouterr().err
    assert "a random word is 2.00 tokens here" in told
    assert "shorter than asked for" not in told


def test_prompts_fit_the_model_and_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOpenAI(max_model_len=500, tokens_per_word=2.0) as server:
        assert bench(server, *LONG, "--backend", "openai-chat") == 0
        assert "6 of 6 prompts are shorter than asked for" in capsys.readouterr().err
        assert bench(server, *LONG) == 0
    assert "6 of 6 prompts are shorter than asked for" in capsys.readouterr().err
    chats, ids = server.seen[:6], server.seen[6:]
    assert all(300 < 2 * len(b["messages"][0]["content"].split()) + 10 + 128 <= 500 for b in chats)
    assert all(len(body["prompt"]) + 128 == 500 for body in ids)


def test_a_server_that_counts_nothing_is_asked_a_word_for_a_token(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FakeOpenAI() as server:
        assert bench(server, *LONG, "--backend", "openai-chat") == 0
    assert num_words(server) == [1024] * 6
    assert "the server does not count (/tokenize)" in capsys.readouterr().err


def test_no_more_at_once_than_allowed() -> None:
    with FakeOpenAI(first_s=0.02) as server:
        assert bench(server, "--max-concurrency", "2") == 0
    assert server.most_open == 2


def test_warm_ups_are_sent_and_not_counted(tmp_path: Path) -> None:
    with FakeOpenAI() as server:
        found = saved(server, tmp_path, "--warmup", "4")
    assert found["completed"] == 6
    prompts = [tuple(body["prompt"]) for body in server.seen]
    assert len(prompts) == len(set(prompts)) == 10


def test_failures_are_counted_and_the_first_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeOpenAI(fails={0: 503}, cuts={1}) as server:
        found = saved(server, tmp_path, "--max-concurrency", "1", "--save-detailed")
    assert (found["completed"], found["failed"]) == (4, 2)
    assert found["errors"][0].startswith("HTTP 503")
    assert found["errors"][1] == "the stream ended without [DONE]"
    assert '2 requests failed; the first: HTTP 503: {"error"' in capsys.readouterr().err


def test_nothing_but_failures_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOpenAI(fails=dict.fromkeys(range(6), 500)) as server:
        assert bench(server) == 1
    assert "Serving Benchmark Result" not in capsys.readouterr().out


def test_tokens_that_spell_nothing_are_an_answer(tmp_path: Path) -> None:
    with FakeOpenAI(speaks=False, num_tokens=2) as server:
        found = saved(server, tmp_path)
    assert (found["completed"], found["total_output_tokens"]) == (6, 12)


def test_chunks_count_where_no_usage_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeOpenAI(tells_usage=False, num_tokens=2) as server:
        found = saved(server, tmp_path)
    assert (found["total_output_tokens"], found["total_input_tokens"]) == (12, 24)
    told = capsys.readouterr().err
    assert "no usage for 6 answers" in told
    assert "6 answers were shorter than asked for" in told


def test_results_can_be_lines_of_one_file(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    with FakeOpenAI() as server:
        for _ in range(2):
            assert bench(server, "--append-result", "--result-filename", str(file)) == 0
    assert len(file.read_text().splitlines()) == 2


def test_a_server_that_is_not_there_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--base-url", "http://127.0.0.1:1", *FEW]) == 1
    assert "no server answers at http://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--base-url", "localhost"], "--base-url localhost: expected http://"),
        (["--endpoint", "/v1/embeddings"], "--endpoint /v1/embeddings: expected /v1/completions"),
        (["--backend", "openai", "--endpoint", "/v1/chat/completions"], "does not speak to"),
        (["--header", "nothing"], "--header nothing: expected KEY=VALUE"),
        (["--request-rate", "0"], "--request-rate: Expected `float` > 0"),
        (["--max-concurrency", "0"], "--max-concurrency: Expected `int` >= 1"),
        (["--result-dir", "/dev/null/x", "--save-result"], "cannot be written"),
    ],
)
def test_bad_settings_are_named(
    argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeOpenAI() as server:
        assert main(["serve", "--base-url", server.url, *FEW, *argv]) == 2
    assert named in capsys.readouterr().err


def test_a_mistyped_flag_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--request-rat", "4"])
    assert ended.value.code == 2
    assert "did you mean '--request-rate'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "latency", "throughput", "startup", "plot"])
def test_help_teaches_by_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"examples:\n  penstock bench {command}" in capsys.readouterr().out


def test_an_unknown_benchmark_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serv"]) == 2
    assert "throughput" in capsys.readouterr().err
    assert main([]) == 0


def test_serving_loads_nothing_of_it() -> None:
    code = "import sys, penstock.cli, penstock.supervisor; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert not [m for m in loaded.stdout.split() if m.startswith(("penstock.bench", "aiohttp"))]
