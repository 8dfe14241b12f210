"""A front end that is not ours, in JavaScript, started by `penstock serve --frontend-program`."""

import shutil
from pathlib import Path

import pytest
from support.deployment import Deployment

PROGRAM = Path(__file__).parent / "node_frontend" / "frontend.mjs"
PROMPT = [72, 101, 108, 108, 111]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_it_serves_what_our_own_front_end_serves(brook: Deployment) -> None:
    body = {"prompt": PROMPT, "max_tokens": 12, "temperature": 0}
    own = {**body, "model": "brook", "ignore_eos": True, "return_token_ids": True}
    status, expected = brook.post("/v1/completions", own)
    assert status == 200
    with Deployment("--frontend-program", str(PROGRAM)) as foreign:
        assert foreign.get("/ready") == (200, {"language": "JavaScript"})
        status, answer = foreign.post("/v1/completions", body)
    assert status == 200
    assert answer["model"] == "brook"
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["token_ids"] == expected["choices"][0]["token_ids"]
