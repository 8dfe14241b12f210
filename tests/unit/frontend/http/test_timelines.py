"""GET /v1/requests/{id}: found by either id, for its own key."""

from pathlib import Path

import pytest
from support.front import Front, wait_until

PATH = "/v1/requests"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses"])
def test_it_is_found_by_the_header_and_by_the_answers_id(front: Front, path: str) -> None:
    front.says("a")
    body = {"messages": [{"role": "user", "content": "Hi"}], "prompt": "Hi"}
    answer = front.post(path, body, X_Request_Id="mine")
    found = front.get(f"{PATH}/mine").json
    assert (found["id"], found["response_id"]) == ("mine", answer.json["id"])
    assert found == front.get(f"{PATH}/{answer.json['id']}").json
    assert found["object"] == "request.timeline"
    assert found["sequences"][0]["events"] == [{"event": "received", "at_s": 0.0}]


def test_the_engine_hears_when_what_happened(front: Front) -> None:
    front.says("a")
    front.complete(n=2, temperature=1)
    first, second = front.engine.generates
    assert 0 < first.received_s <= first.tokenized_s <= first.sent_s
    assert (first.received_s, first.name) == (second.received_s, second.name)


def test_a_search_is_one_request(front: Front) -> None:
    front.complete(n=2, use_beam_search=True, max_tokens=3, temperature=0)
    assert len({(g.name, g.answer_id, g.received_s) for g in front.engine.generates}) == 1


def test_what_is_not_known_is_a_404(front: Front) -> None:
    answer = front.get(f"{PATH}/nope")
    assert (answer.status, answer.error["param"]) == (404, "id")


def test_a_key_sees_its_own_alone(byte_model: Path) -> None:
    with Front(byte_model, api_key=["sk-one", "sk-two"]) as front:
        front.says("a")
        mine = "Bearer sk-one"
        front.post("/v1/completions", {"prompt": "a"}, Authorization=mine, X_Request_Id="mine")
        path = f"{PATH}/mine"
        assert front.get(path).status == 401
        assert front.get(path, Authorization=mine).status == 200
        assert front.get(path, Authorization="Bearer sk-two").status == 404


def test_without_an_engine_it_is_a_503(byte_model: Path) -> None:
    with Front(byte_model, wait=False) as front:
        assert front.get(f"{PATH}/any").status == 503


def test_an_answer_that_a_stop_string_ended_is_whole(front: Front) -> None:
    front.says("abcdefgh", ends=False)
    front.complete(stop="c", max_tokens=500)
    wait_until(lambda: bool(front.engine.aborted))
    assert front.engine.whole == front.engine.aborted
