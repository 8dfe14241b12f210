"""Any front end tells the numbers of all: totals add up, whoever is asked."""

from concurrent.futures import ThreadPoolExecutor

from support.deployment import Deployment

NUM_REQUESTS = 24


def test_metrics_of_any_front_end_count_the_whole_deployment() -> None:
    with Deployment("--api-server-count", "3", "--kv-cache-memory-bytes", "256MiB") as server:

        def ask(i: int) -> int:
            body = {"prompt": f"Request {i}", "max_tokens": 1 + i % 7, "ignore_eos": True}
            status, answer = server.post("/v1/completions", body)
            assert status == 200, answer
            return int(answer["usage"]["completion_tokens"])

        with ThreadPoolExecutor(8) as pool:
            num_tokens = sum(pool.map(ask, range(NUM_REQUESTS)))

        def is_whole() -> bool:
            return server.metric("vllm:generation_tokens_total") == num_tokens

        # What another front end counted reaches the engine core with its next heartbeat.
        server.wait_until(is_whole, 30)
        assert all(is_whole() for _ in range(12))
        assert server.metric("vllm:request_success_total") == NUM_REQUESTS
        assert server.metric("penstock:num_frontends") == 3
