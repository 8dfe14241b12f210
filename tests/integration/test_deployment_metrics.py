"""Any front end tells the numbers of all: totals add up, whoever is asked."""

from concurrent.futures import ThreadPoolExecutor

from support.deployment import Deployment

NUM_REQUESTS, NUM_FRONT_ENDS = 24, 3
EXPECTED = (
    "vllm:generation_tokens_total",
    "vllm:request_success_total",
    "penstock:num_frontends",
)


def test_metrics_of_any_front_end_count_the_whole_deployment() -> None:
    with Deployment(
        "--api-server-count", str(NUM_FRONT_ENDS), "--kv-cache-memory-bytes", "256MiB"
    ) as server:

        def ask(i: int) -> int:
            body = {"prompt": f"Request {i}", "max_tokens": 1 + i % 7, "ignore_eos": True}
            status, answer = server.post("/v1/completions", body)
            assert status == 200, answer
            return int(answer["usage"]["completion_tokens"])

        with ThreadPoolExecutor(8) as pool:
            num_tokens = sum(pool.map(ask, range(NUM_REQUESTS)))

        def is_whole() -> bool:
            return server.metrics(*EXPECTED) == [num_tokens, NUM_REQUESTS, NUM_FRONT_ENDS]

        # What another front end counted reaches the engine core with its next heartbeat.
        server.wait_until(is_whole, 60)
        assert all(is_whole() for _ in range(12))
