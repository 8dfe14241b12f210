"""One model on several ranks: the text of one rank, through the whole house, and one event when a rank is lost."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.deployment import Deployment
from support.ray_cluster import RayCluster
from support.variants import often

PRESSURE = (
    *("--dtype", "float32", "--num-gpu-blocks-override", "24", "--max-model-len", "320"),
    *("--max-num-batched-tokens", "64", "--max-num-seqs", "8", "--kv-cache-memory-bytes", "64MiB"),
)
QUESTIONS = ["Hello!", "What is 12 + 34?", "你好", "Tell me a story.", "Count from 1 to 20."]
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


def bodies() -> list[dict[str, Any]]:
    """Short and long, with what only the rank that samples knows: constraints, penalties, log probabilities."""
    common = {"temperature": 0, "max_tokens": 40}
    chats = [{**common, "messages": [{"role": "user", "content": q}]} for q in QUESTIONS * 3]
    chats[1]["frequency_penalty"] = 0.7
    chats[2]["logprobs"] = True
    chats[3] |= {"max_tokens": 120, "ignore_eos": True}
    chats[4]["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": SCHEMA, "strict": True},
    }
    story = " ".join(f"Then {i} ducks came." for i in range(40))
    prompts = [{**common, "prompt": story[: 100 * i], "ignore_eos": True} for i in range(1, 7)]
    prompts[0] |= {"echo": True, "logprobs": 2}
    return [*chats, *prompts]


def ask(server: Deployment, body: dict[str, Any]) -> str:
    path = "/v1/chat/completions" if "messages" in body else "/v1/completions"
    status, answer = server.post(path, body)
    assert status == 200, answer
    choice = answer["choices"][0]
    return str(choice["message"]["content"] if "message" in choice else choice["text"])


def answers(server: Deployment) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda body: ask(server, body), bodies()))


@pytest.fixture(scope="module")
def of_one_rank() -> Iterator[list[str]]:
    with Deployment(*PRESSURE) as server:
        yield answers(server)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "num_ranks"),
    often(
        [(("-tp", "2", "--pipeline-parallel-size", "2"), 4)],
        [(("--tensor-parallel-size", "2"), 2), (("-pp", "2"), 2)],
    ),
)
def test_the_same_text_as_one_rank(
    flags: tuple[str, ...], num_ranks: int, of_one_rank: list[str]
) -> None:
    with Deployment(*PRESSURE, *flags) as server:
        assert len(server.pids("penstock.workers")) == num_ranks
        assert answers(server) == of_one_rank
        assert json.loads(of_one_rank[4])["a"] is not None
        assert server.metric("vllm:num_preemptions_total") > 0


@pytest.mark.slow
def test_a_lost_rank_is_one_event_and_costs_no_text(of_one_rank: list[str]) -> None:
    """The rank that follows: that a lost one which samples is noticed, other tests show."""
    with Deployment(*PRESSURE, "-tp", "2") as server:
        ranks = server.pids("penstock.workers")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(answers, server)
            server.wait_until(lambda: server.metric("vllm:num_requests_running") > 2, 60)
            os.kill(ranks[1], signal.SIGKILL)
            server.wait_until(lambda: not set(ranks) & set(server.pids("penstock.workers")), 60)
            assert asked.result() == of_one_rank
        assert server.log().count("starting them again") == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ranks_on_two_nodes_of_a_ray_cluster(
    of_one_rank: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rank has room on each; a lost one is one event there, too."""
    with RayCluster(num_nodes=2) as cluster:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        flags = ("--tensor-parallel-size", "2", "--distributed-executor-backend", "ray")
        with Deployment(*PRESSURE, *flags, ready_s=400) as server:
            assert answers(server) == of_one_rank
            relays = server.pids("penstock.workers.on_ray")
            assert len(relays) == 2
            os.kill(relays[1], signal.SIGKILL)
            server.wait_until(lambda: "starting them again" in server.log(), 60)
            assert answers(server) == of_one_rank
            assert server.log().count("starting them again") == 1
