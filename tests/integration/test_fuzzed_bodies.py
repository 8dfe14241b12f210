"""Ten thousand broken bodies, to every endpoint that takes one: answered soon, as described, never by a 5xx."""

import http.client
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from support.deployment import Deployment
from support.described import Description
from support.front import Answer
from support.fuzzed_bodies import SANE, Fuzzed, fuzzed

PATIENCE_S = 20.0
"""Of a busy machine; what is asked for is two seconds on a quiet one."""
BRIEF = '{"max_new_tokens": 8}'
NUM_IN_CI, NUM_IN_ALL = 500, 10_000
_PLACES = {"/v1/responses/resp_nope/cancel": "/v1/responses/{id}/cancel"}


class Outcome(NamedTuple):
    status: int
    seconds: float
    asked: Fuzzed


@pytest.fixture(scope="module")
def small() -> Iterator[Deployment]:
    """Answers are brief, so that what takes long is not the model."""
    flags = ("--max-model-len", "256", "--max-num-seqs", "8", "--max-num-queued-reqs", "24")
    with Deployment(*flags, "--override-generation-config", BRIEF) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def described(small: Deployment) -> Description:
    return Description(small.get("/openapi.json")[1])


def fields_of(described: Description) -> dict[str, list[str]]:
    found = {}
    for path in SANE:
        operation = described.operations["POST", _PLACES.get(path, path)]
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            schema = described.referred(content["application/json"]["schema"]["$ref"])
            found[path] = sorted(schema["properties"])
    return found


def send(deployment: Deployment, asked: Fuzzed) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", deployment.port, timeout=60)
    try:
        connection.request("POST", asked.path, asked.data, asked.headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def check(deployment: Deployment, described: Description, seed: int, fields: Any) -> Outcome:
    asked = fuzzed(seed, fields)
    begun = time.monotonic()
    answer = send(deployment, asked)
    seconds = time.monotonic() - begun
    assert answer.status == 200 or 400 <= answer.status < 500, (seed, asked.what, answer)
    described.check("POST", _PLACES.get(asked.path, asked.path), answer)
    assert seconds < PATIENCE_S, (seed, asked.what, seconds)
    return Outcome(answer.status, seconds, asked)


def check_all(
    deployment: Deployment, described: Description, seeds: Iterable[int]
) -> list[Outcome]:
    processes = (deployment.pids("penstock.frontend"), deployment.pids("penstock.workers"))
    fields = fields_of(described)
    outcomes = [check(deployment, described, seed, fields) for seed in seeds]
    assert processes == (
        deployment.pids("penstock.frontend"),
        deployment.pids("penstock.workers"),
    )
    assert deployment.metric("penstock:worker_restarts_total") == 0
    assert "failed unexpectedly" not in deployment.log()
    return outcomes


def test_some(small: Deployment, described: Description) -> None:
    outcomes = check_all(small, described, range(NUM_IN_CI))
    statuses = Counter(outcome.status for outcome in outcomes)
    assert statuses[200] > NUM_IN_CI // 20, "bodies that are all refused at once show little"
    assert statuses[400] > NUM_IN_CI // 2


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_ten_thousand(small: Deployment, described: Description) -> None:
    outcomes = check_all(small, described, range(NUM_IN_CI, NUM_IN_CI + NUM_IN_ALL))
    slowest = sorted(outcomes, key=lambda outcome: -outcome.seconds)
    print(sorted(Counter(outcome.status for outcome in outcomes).items()))
    print(f"p50 {slowest[len(slowest) // 2].seconds:.3f} s")
    for outcome in slowest[:5]:
        print(f"{outcome.seconds:.3f} s: {outcome.asked.path} {outcome.asked.what}")
