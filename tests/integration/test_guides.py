"""Everything that five guides to vLLM tell their readers to run: what was run, and what came back.

`ROWS` is the table: where it stands, what it shows, how it is run (with `vllm` read as `penstock` and brook for the
models, else as it stands), what must come back, and what that means to a reader. docs/guides.md is written from it.
The guides lie beside the repository; where they do not, there is nothing to run.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from support import guides
from support.deployment import Deployment
from support.guide_flags import ENDS, IDLE, SETS, outcome_of
from support.guide_nginx import behind_nginx
from support.guide_page import page
from support.guide_runs import (
    Run,
    asks,
    chat,
    endpoints,
    gets,
    has_keys_of,
    metrics,
    nothing,
    posts,
    python,
    run_shell,
    samples,
    sends,
    shell,
    takes,
)
from support.guide_samples import (
    ASK_NGINX,
    CALL_VLLM,
    CHATS,
    HI,
    NGINX_3,
    NO_BASE,
    OF_LLM,
    ONCE,
    REQUESTS,
    SAMPLES,
    TEXTS,
)
from support.guide_starts import Compose, Start, WithFile, health_check, started

from penstock import __version__

needs_guides = pytest.mark.skipif(not guides.are_there(), reason="no guides beside the repository")


class Row(NamedTuple):
    """`at` is '0:34-44': the guide, and its lines. `came` is searched in what came back."""

    at: str
    shows: str
    run: Run
    came: str
    does: str


CHAT, TEXT, DONE = (
    r'"object": ?"chat\.completion"',
    r'"object": ?"text_completion"',
    r"data: \[DONE\]",
)
PLAN = r"(?s)\A(?!.*Traceback).*context length"
"""Of a start that succeeds."""
ALL_200, HAS_ALL = r"(?s)\A(\S+ 200\s*)+\Z", r"^200, missing: \[\]"
ANSWERS, STREAMS, STARTS, COMPLETE = "Answers.", "Streams.", "Starts.", "Has every key of it."
EVERY_PARAMETER = samples(CHATS, HI, **SAMPLES)
CONFIG = r"(?s)(?=.*--trust-remote-code has)(?=.*--max-lora-size has).*2,048 +\[--config"

ROWS = [
    # ---- 0: an OpenAI-compatible service
    Row("0:25-31", "the table of endpoints", endpoints, r"(?s)\A(?!.*404).*embeddings 501",
        "All are there; `/v1/embeddings` answers 501, brook being no model that embeds."),
    Row("0:34-44", "`curl /v1/chat/completions`", shell(), CHAT, ANSWERS),
    Row("0:46-67", "the shape of that answer", has_keys_of(chat()), HAS_ALL, COMPLETE),
    Row("0:71-86", "the table of parameters", EVERY_PARAMETER, ALL_200, "Every one is honoured."),
    Row("0:88-110", "a chat of several turns (Python)",
        python("00000010011222211110000", after="print(len(conversation))"), r"7\s*\Z", ANSWERS),
    Row("0:112-148", "function calling (Python)", python(), r"ChatCompletionMessage\(",
        "Answers with text or a call; no flag is needed for that."),
    Row("0:150-165", "JSON mode (Python)", python(), r"\A\s*\{", "Nothing but JSON comes, held by a grammar."),
    Row("0:168-175", "`curl /v1/completions`", shell(), TEXT, ANSWERS),
    Row("0:177-197", "completions, one and several (Python)", python("0" * 20 + "1"), r"\[0\]: (?s:.*)\[1\]: ",
        ANSWERS),
    Row("0:208-216", "`curl` with `stream`", shell(), DONE, STREAMS),
    Row("0:218-223", "the shape of its events", has_keys_of(chat(stream=True)), HAS_ALL, COMPLETE),
    Row("0:225-251", "a streaming client with usage (Python)", python("000001122222211233433422330"),
        r"\[完成原因: (stop|length)\]\n\[用量: prompt=\d+, completion=\d+\]", STREAMS),
    Row("0:253-280", "three streams at once (asyncio)", python("0000012211222211231001222110"), r"\S", STREAMS),
    Row("0:283-295", "embeddings (Python)", python("0000000000011"), r"(?s)501.*does not embed.*exit status 1",
        "501 that says why: the model generates."),
    Row("0:288-288", "`vllm serve ... --task embedding`", Start(),
        r"--task embedding: models that embed(?s:.*)exit status 2",
        "Ends at once with the reason: models that embed are not served yet."),
    Row("0:298-330", "20 requests in 10 threads", python("000000011122221112222100001000000"), r"总 tokens: \d+",
        ANSWERS),
    Row("0:332-357", "50 requests at once (asyncio)", python("00000012211233322111111110"), r"\A50 ", ANSWERS),
    Row("0:360-372", "`vllm serve` with thirteen flags", Start(),
        r"(?s)2,048 .*\[--max-model-len\]", STARTS),
    Row("0:376-378", "the first of three servers", Start(), PLAN, STARTS),
    Row("0:380-382", "the second, on port 8001", Start(), r":8001 .*port: --port", STARTS),
    Row("0:384-386", "the third, on port 8002", Start(), r":8002 .*port: --port", STARTS),
    Row("0:388-408", "nginx in front of them", behind_nginx(ASK_NGINX, {}), DONE, "Streams through it."),
    Row("0:412-412", "`--api-key`", Start(), r"API keys +1", "Starts; whoever has no key gets 401."),
    Row("0:413-417", "`curl` with a key", shell(), CHAT, ANSWERS),
    Row("0:418-422", "a client with a key (Python)",
        python( before="from openai import OpenAI", after="print(client.models.list().data[0].id)"), r"^brook$",
        ANSWERS),
    Row("0:425-425", "`--allowed-origins '[\"*\"]'`", Start(), PLAN, STARTS),
    Row("0:430-436", "the table of statuses",
        asks(("ok", CHATS, HI), ("bad", CHATS, HI | {"n": "x"}), ("model", CHATS, HI | {"model": "x"}),
            ("range", CHATS, HI | {"top_p": 5})),
        r"ok 200\nbad 400\nmodel 404\nrange 400",
        "As it says, but for a value out of range, which is 400 as in OpenAI's API and vLLM's."),
    Row("0:439-467", "errors and retries (Python)",
        python("00000000001234443323332323341", after='print(call_with_retry("Hi"))'), r"\S", ANSWERS),
    Row("0:474-481", "a route for each kind of request",
        python("00121212", before=CALL_VLLM,
            after="print([route_request('Hi', kind) for kind in ('code', 'chat', '')])"),
        r"(text_completion.*){3}", ANSWERS),
    # ---- 1: the endpoints of a running server
    Row("1:5-5", "`python -m ...entrypoints.api_server`", Start(), r":8001 .*port: --port", STARTS),
    Row("1:6-7", "`VLLM_PORT`", Start(), r":8001 .*port: variable VLLM_PORT", "Starts on that port."),
    Row("1:11-11", "`/openapi.json` for openapi-typescript", gets("/openapi.json"), r'^200 .*"openapi"',
        "Describes every endpoint; `npx openapi-typescript` compiles it."),
    Row("1:12-12", "`/docs`", gets("/docs"), r"(?s)^200 .*swagger", "Swagger UI, from the package."),
    Row("1:13-13", "`/redoc`", gets("/redoc"), r"(?s)^200 .*redoc", "ReDoc, from the package."),
    Row("1:14-25", "`/docs/oauth2-redirect`", gets("/docs/oauth2-redirect"), r"(?s)^200 .*<html", ANSWERS),
    Row("1:29-30", "`/ping` and `/health`", endpoints, ALL_200, ANSWERS),
    Row("1:32-43", "Kubernetes' probes", endpoints, ALL_200, ANSWERS),
    Row("1:44-45", "metrics to watch", metrics, r"\A(\w+ is there\s*)+\Z",
        "All are at `/metrics`, beside vLLM's own names."),
    Row("1:47-51", "a version check in a deployment",
        shell(f"""EXPECTED_VERSION='{{"version":"{__version__}"}}'""", "echo same"), r"\Asame",
        "`/version` is JSON; `?format=text` is the bare version."),
    Row("1:53-57", "`/load`", has_keys_of(gets("/load")), HAS_ALL, COMPLETE),
    Row("1:59-68", "`/v1/models`", has_keys_of(gets("/v1/models")), HAS_ALL, COMPLETE),
    Row("1:71-80", "a completion (requests)", python(after="print(response.json())"), r"'text_completion'", ANSWERS),
    Row("1:82-89", "the body of a chat", sends(CHATS), CHAT, ANSWERS),
    Row("1:92-103", "a stream (requests)",
        python("000000000012", REQUESTS, rules={ r"\[\.\.\.\]": '[{"role": "user", "content": "Hi"}]'}), DONE,
        STREAMS),
    Row("1:105-114", "`/v1/responses` with a bare prompt, and later its result",
        python(before=REQUESTS, after="print(result_resp.json()['status'])"), r"completed|incomplete",
        "Answers; the result can be had by its id for 30 days."),
    Row("1:116-119", "`/v1/chat/completions/render`", posts(f"{CHATS}/render", **HI), r"(?s)^200 .*chat-message",
        "The conversation as HTML; `?format=text` is the prompt, `?format=json` what the engine would get."),
    Row("1:121-125", "`/tokenize`", python(before=REQUESTS, after="print(token_count)"), r"\A[1-9]\d*\s*\Z",
        "Takes `text` as well as `prompt`."),
    Row("1:128-131", "`/detokenize`", python(before=REQUESTS, after="print(repr(detokenized))"), r"\A'.+'",
        "Takes `token_ids` as well as `tokens`."),
    Row("1:133-133", "`/scale_elastic_ep`", shell(), r'"code":501', "501: there is one engine."),
    Row("1:134-134", "`/is_scaling_elastic_ep`", gets("/is_scaling_elastic_ep"), r"^501",
        "501: there is one engine."),
    Row("1:135-145", "an autoscaler's metric", metrics, r"vllm_pending_requests is there", "It is at `/metrics`."),
    Row("1:147-151", "the table of statuses",
        asks(("bad", TEXTS, {"prompt": 5}),
            ("late", TEXTS, ONCE | {"max_tokens": 2000, "ignore_eos": True, "timeout": 1e-6})),
        r"bad 400\nlate 504", "400 and 504 as it says; 503 when too many wait."),
    Row("1:153-163", "prompts in one request, and one by one", python("00000001221", NO_BASE),
        r"(text_completion\s*){3}", ANSWERS),
    Row("1:166-166", "`--block-size 16`", Start(), r"block size +16", STARTS),
    Row("1:168-168", "`--block-size 8`", Start(), r"block size +8", STARTS),
    Row("1:170-172", "`--quantization awq`", Start(),
        r"--quantization awq: serve the checkpoint(?s:.*)exit status 2", "Ends at once with what to do instead."),
    # ---- 2: a chapter of a course
    Row("2:92-93", "`python -m ...openai.api_server`", Start(), PLAN, STARTS),
    Row("2:194-200", "a start for production", Start(), r"\[--gpu-memory-utilization\]", STARTS),
    Row("2:226-236", "`curl` a chat", shell(), CHAT, ANSWERS),
    Row("2:245-249", "the table of parameters", EVERY_PARAMETER, ALL_200, "Every one is honoured."),
    Row("2:262-268", "`curl` a completion", shell(), TEXT, ANSWERS),
    Row("2:276-278", "`\"stream\": true`", sends(CHATS, **HI), DONE, STREAMS),
    Row("2:285-291", "the shape of its events", has_keys_of(chat(stream=True)), HAS_ALL, COMPLETE),
    # ---- 3: starting and configuring
    Row("3:15-17", "the shortest start", Start(), PLAN, STARTS),
    Row("3:44-55", "health, models and a first chat", shell(),
        r'\{"status":"ok"\}(?s:.*)"id": "brook"(?s:.*)chat\.completion', ANSWERS),
    Row("3:107-200", "a service of docker compose", Compose(), r"(?s)--trust-remote-code has no.*2,048",
        "Starts; flags that do nothing here are said."),
    Row("3:107-200", "its health check", health_check, r'\A\{"status":"ok"\}', ANSWERS),
    Row("3:205-247", "nginx with limits",
        behind_nginx(f"{ASK_NGINX}; curl -s $NGINX/health; curl -s $NGINX/metrics", NGINX_3),
        r'(?s)\[DONE\].*"status":"ok".*vllm:',
        "Streams through it, once three lines that nginx does not take are mended."),
    Row("3:298-299", "`--config` with a file of settings in YAML", WithFile("yaml", "3:256-293"), CONFIG,
        "Starts; `null` is the default."),
    Row("3:298-299", "the same file in TOML", WithFile("toml", "3:256-293"), CONFIG, STARTS),
    Row("3:313-318", "`--model` three times", Start(),
        r"--model twice: one server serves one model(?s:.*)exit status 2", "Ends at once with what to do instead."),
    Row("3:323-327", "`--port` without its number", Start(), r":8000 ", "Starts on port 8000."),
    Row("3:329-331", "another model in a request", posts(CHATS, model="meta-llama/Llama-3.1-8b-instruct", **HI),
        r"^404.*Valid aliases: brook", "404 that names the model that is served; none is loaded on demand."),
    Row("3:333-336", "a router of models", nothing, r"router", "Is another program."),
    # ---- 4: concepts
    Row("4:14-25", "`curl` a chat with `stream`", shell(cut="Text"), DONE, STREAMS),
    Row("4:27-32", "`curl` without Content-Type", shell(cut="Emb"), TEXT,
        "Answers: a body is read as JSON, whatever its type is called."),
    Row("4:34-38", "`curl /v1/embeddings`", shell(cut="支持"), r'"code":501',
        "501 that says why: the model generates."),
    Row("4:41-52", "the table of parameters", EVERY_PARAMETER, ALL_200, "Every one is honoured; `guided_json` too."),
    Row("4:55-63", "`LLM` and `SamplingParams`", python("000000001", cut="Mixin", after="print(len(outputs))"),
        r"3\s*\Z", ANSWERS),
    Row("4:70-73", "`LLM` with speculation",
        python(before="from penstock import LLM", cut="LLM 类", after="print(llm.generate('Hi')[0].finished)"),
        r"(?s)spec_method has no effect.*True\s*\Z",
        "Answers, without speculation; the text would be the same with it."),
    Row("4:76-85", "the table of `LLM`'s parameters", takes(OF_LLM), r"\A10 are taken",
        "All are taken; those without effect say so."),
    Row("4:89-94", "vLLM's own source for CORS", nothing, r"CORSMiddleware", "Is `--allowed-origins`."),
    Row("4:97-99", "`/health`, `/ready`, `/v1/models`", endpoints, ALL_200, ANSWERS),
    Row("4:119-123", "`docker run`", Start("多"), PLAN, "Its arguments start `penstock serve`."),
    Row("4:125-127", "`--tensor-parallel-size 4`", Start("Rust"), r"workers +4 ",
        "Starts four ranks that share each layer."),
    Row("4:129-131", "`VLLM_RUST_FRONTEND_PATH`", Start("Rust"), PLAN,
        "Starts any program that speaks docs/protocol.md."),
    Row("4:134-136", "`--data-parallel-size 4`", Start("DP S"),
        r"--data-parallel-size: data parallelism(?s:.*)exit status 2", "Ends at once with what to do instead."),
    Row("4:138-139", "the health of many ranks", endpoints, ALL_200, ANSWERS),
]  # fmt: skip

FLAGS: dict[str, tuple[str, str]] = {
    "model": ("brook", SETS), "revision": ("main", SETS), "dtype": ("bfloat16", SETS),
    "load-format": ("safetensors", SETS), "download-dir": ("/data", SETS), "trust-remote-code": ("", IDLE),
    "max-model-len": ("4096", SETS), "seed": ("42", SETS), "gpu-memory-utilization": ("0.9", SETS),
    "gpu-mem-util": ("0.9", SETS), "max-num-seqs": ("128", SETS), "max-num-batched-tokens": ("8192", SETS),
    "block-size": ("16", SETS), "scheduler-delay-factor": ("0.1", SETS), "delay-factor": ("0.1", SETS),
    "swap-space": ("4", SETS), "cpu-offload-gb": ("4", SETS), "enforce-eager": ("", SETS),
    "enable-prefix-caching": ("", SETS), "enable-chunked-prefill": ("", SETS),
    "enable-auto-tool-choice": ("", SETS), "tensor-parallel-size": ("2", SETS), "tp": ("2", SETS),
    "pipeline-parallel-size": ("2", SETS), "worker-use-ray": ("", SETS),
    "distributed-executor-backend": ("ray", SETS), "data-parallel-size": ("4", ENDS), "quantization": ("awq", ENDS),
    "data-parallel-multi-port-external-lb": ("", ENDS), "enable-lora": ("", ENDS), "max-loras": ("2", IDLE),
    "speculative-model": ("m", IDLE), "task": ("embedding", ENDS), "host": ("127.0.0.1", SETS),
    "port": ("8001", SETS), "served-model-name": ("qwen-7b", SETS), "api-key": ("k", SETS),
    "allowed-origins": ('["*"]', SETS), "allow-credentials": ("", SETS), "ssl-keyfile": ("k", ENDS),
    "ssl-certfile": ("c", SETS), "disable-log-requests": ("", SETS), "rate-limit-interval": ("60", ENDS),
    "rate-limit-token": ("10", SETS),
}  # fmt: skip
"""Every flag that a guide names, a value that it shows, and what becomes of it."""


SLOW = ("4:70-73",)
"""Rows that make servers of their own."""


@needs_guides
@pytest.mark.parametrize("row", [
    pytest.param(row, id=f"{row.at} {row.shows}", marks=[pytest.mark.long] * (row.at in SLOW)) for row in ROWS
])  # fmt: skip
def test_a_row(row: Row, brook: Deployment) -> None:
    text = row.run(row.at, brook)
    assert re.search(row.came, text), text
    assert "exit status" in row.came or "exit status" not in text, text


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag(flag: str) -> None:
    value, comes = FLAGS[flag]
    assert outcome_of(flag, *filter(None, [value])).startswith(comes)


@needs_guides
def test_every_flag_has_its_row() -> None:
    assert guides.all_flags() - {"config"} == FLAGS.keys()


@needs_guides
def test_every_command_has_its_row() -> None:
    covered = {place for row in ROWS for place in guides.places(row.at)}
    assert [place for place in guides.all_commands() if place not in covered] == []


def test_the_page_is_up_to_date() -> None:
    told = (Path(__file__).parents[2] / "docs" / "guides.md").read_text("utf-8")
    assert told == page(ROWS, [*FLAGS, "config"]), "run: just guides"


STARTED = [row for row in ROWS if isinstance(row.run, Start) and "exit status" not in row.came]


@needs_guides
@pytest.mark.long
@pytest.mark.parametrize("row", STARTED, ids=[f"{row.at} {row.shows}" for row in STARTED])
def test_a_server_starts_and_answers(row: Row) -> None:
    assert isinstance(row.run, Start)
    body = """{"prompt": [72, 105], "max_tokens": 4}"""
    ask = f"curl -s $URL{TEXTS} -H 'Authorization: Bearer YOUR_SECRET_KEY' -d '{body}'"
    with started(row.run, row.at) as url:
        assert re.search(r'"choices": ?\[', run_shell(ask, URL=url))
