"""What a request brings along by naming it: read once, aside, and never more than a body could hold."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.front import Front

from penstock.frontend.api import responses_asked, responses_history
from penstock.frontend.api.responses_history import MAX_REFERENCES
from penstock.frontend.encoding import LONG_CHARS
from penstock.frontend.responses.sqlite_store import SqliteStore
from penstock.frontend.responses.store import Record

PATH = "/v1/responses"
MOST = 200_000
LEAST = responses_asked.LEAST_BOUND_BYTES
LONG = "x" * 3000


@pytest.fixture(scope="module")
def front(byte_model: Path) -> Iterator[Front]:
    with pytest.MonkeyPatch.context() as patch, Front(byte_model, max_body_bytes=MOST) as running:
        patch.setattr(responses_asked, "LEAST_BOUND_BYTES", 0)
        running.says("Known")
        yield running


def kept(front: Front, **fields: Any) -> dict[str, Any]:
    answer = front.post(PATH, {"input": "Hi", "max_output_tokens": 8, **fields})
    assert answer.status == 200, answer.data
    return dict(answer.json)


def refer(*items: str) -> list[dict[str, Any]]:
    return [{"type": "item_reference", "id": item} for item in items]


def first_of(front: Front, response: dict[str, Any]) -> str:
    return str(front.get(f"{PATH}/{response['id']}/input_items").json["data"][0]["id"])


def test_whatever_is_wanted_of_a_response_it_is_read_once(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = kept(front, input="Hi there")
    items = [first_of(front, response), response["output"][0]["id"]]
    asked: list[str] = []
    get = SqliteStore.get

    async def spy(store: SqliteStore, response_id: str, tenant: str) -> Record | None:
        asked.append(response_id)
        return await get(store, response_id, tenant)

    monkeypatch.setattr(SqliteStore, "get", spy)
    again = kept(front, input=refer(*items * 5))
    assert asked == [response["id"]]
    shown = front.get(f"{PATH}/{again['id']}/input_items?order=asc").json["data"]
    assert [item["id"] for item in shown] == items * 5
    assert shown[1]["content"][0]["text"] == "Known"


def test_an_item_that_is_repeated_is_as_large_as_its_copies(front: Front) -> None:
    item = first_of(front, kept(front, input=LONG))
    kept(front, input=refer(item), truncation="auto")
    answer = front.post(PATH, {"input": refer(*[item] * 100), "truncation": "auto"})
    assert (answer.status, answer.error["param"]) == (400, "input")
    assert f"{MOST} bytes" in answer.error["message"]
    assert "--max-body-bytes" in answer.error["message"]


def test_so_many_references_are_too_many(front: Front) -> None:
    item = kept(front)["output"][0]["id"]
    answer = front.post(PATH, {"input": refer(*[item] * (MAX_REFERENCES + 1))})
    assert (answer.status, answer.error["param"]) == (400, "input")
    assert f"at most {MAX_REFERENCES}" in answer.error["message"]


def test_a_conversation_is_bound_before_it_is_decoded(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = kept(front, input="y" * (MOST // 2 - 2000), truncation="auto")["id"]
    last = kept(front, previous_response_id=last, truncation="auto")["id"]
    large = {"input": "z" * (MOST // 2), "previous_response_id": last, "truncation": "auto"}
    last = kept(front, **large)["id"]
    monkeypatch.setattr(responses_history, "_raw_items", None)
    answer = front.post(PATH, {"input": "Hi", "previous_response_id": last, "truncation": "auto"})
    assert (answer.status, answer.error["param"]) == (400, "previous_response_id")
    assert f"{MOST} bytes" in answer.error["message"]


def test_what_is_long_is_decoded_aside(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    response = kept(front, input="w" * LONG_CHARS, truncation="auto")
    seen: list[threading.Thread] = []
    raw_items = responses_history._raw_items

    def spy(record: Record) -> list[msgspec.Raw]:
        seen.append(threading.current_thread())
        return raw_items(record)

    monkeypatch.setattr(responses_history, "_raw_items", spy)
    kept(front, previous_response_id=response["id"], truncation="auto")
    kept(front, input=refer(first_of(front, response)), truncation="auto")
    assert len(seen) == 2
    assert front._thread not in seen


def test_names_that_are_no_texts_are_nobodys(front: Front) -> None:
    odd = {"role": "user", "content": "Hi", "id": ["x"]}
    response = kept(front, input=[odd, {"role": "user", "content": "There"}])
    answer = kept(front, input=refer(first_of(front, response)))
    assert answer["status"] == "completed"


def test_where_bodies_are_small_conversations_may_be_long(
    byte_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses_asked, "LEAST_BOUND_BYTES", LEAST)
    with Front(byte_model, max_body_bytes=500) as front:
        front.says("Known")
        first = kept(front)
        again = kept(front, previous_response_id=first["id"])
        assert kept(front, previous_response_id=again["id"])["status"] == "completed"


def test_without_a_bound_on_bodies_there_is_none_on_what_is_kept(byte_model: Path) -> None:
    with Front(byte_model, max_body_bytes=None) as front:
        front.says("Known")
        item = first_of(front, kept(front, input=LONG))
        assert kept(front, input=refer(*[item] * 100), truncation="auto")["status"] == "completed"
