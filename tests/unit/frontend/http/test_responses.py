"""POST /v1/responses and what is kept of it, over HTTP, and as the official client sees it."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel
from support.front import Answer, Front, wait_until

PATH = "/v1/responses"


@pytest.fixture
def client(front: Front) -> OpenAI:
    return OpenAI(base_url=f"{front.url}/v1", api_key="none", max_retries=0)


def events_of(answer: Answer) -> list[dict[str, Any]]:
    """Each is named as its data says, and there is nothing behind the last."""
    assert answer.status == 200, answer.data
    found = []
    for event in answer.data.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def prompt_of(front: Front) -> str:
    from penstock.protocol import token_ids

    ids = token_ids.unpack(front.last.prompt)
    return front.tokenizer.decode(ids, skip_special_tokens=False)


def finished(front: Front, response_id: str) -> dict[str, Any]:
    path = f"{PATH}/{response_id}"
    wait_until(lambda: front.get(path).json["status"] not in ("queued", "in_progress"))
    return dict(front.get(path).json)


class TestCreate:
    def test_an_answer_is_a_message(self, front: Front) -> None:
        front.says("Hello, 世界")
        body = front.post(PATH, {"input": "Hi", "metadata": {"a": "b"}}).json
        (item,) = body["output"]
        assert item["content"] == [
            {"type": "output_text", "text": "Hello, 世界", "annotations": [], "logprobs": []}
        ]
        assert (body["status"], item["status"], item["role"]) == ("completed",) * 2 + ("assistant",)
        assert body["usage"]["output_tokens"] == len("Hello, 世界".encode()) + 1
        assert body["metadata"] == {"a": "b"}
        assert front.get(f"{PATH}/{body['id']}").json == body

    def test_a_bare_prompt_is_input(self, front: Front) -> None:
        front.says("Ja")
        response_id = front.post(PATH, {"prompt": "Langer Text"}).json["id"]
        assert "Langer Text" in prompt_of(front)
        assert front.get(f"{PATH}/{response_id}").json["output"][0]["content"][0]["text"] == "Ja"

    def test_a_cut_answer_is_incomplete(self, front: Front) -> None:
        front.says("endless ", ends=False)
        body = front.post(PATH, {"input": "Hi", "max_output_tokens": 5}).json
        assert body["status"] == body["output"][0]["status"] == "incomplete"
        assert body["incomplete_details"] == {"reason": "max_output_tokens"}

    def test_an_empty_answer_is_an_empty_message(self, front: Front) -> None:
        front.says("")
        body = front.post(PATH, {"input": "Hi"}).json
        assert body["output"][0]["content"][0]["text"] == ""

    def test_instructions_come_first_and_are_not_inherited(self, front: Front) -> None:
        front.says("One")
        first = front.post(PATH, {"input": "Hi", "instructions": "Be brief."}).json
        assert prompt_of(front).startswith("<|im_start|>system\nBe brief.<|im_end|>")
        assert first["instructions"] == "Be brief."
        front.post(PATH, {"input": "Again", "previous_response_id": first["id"]})
        assert prompt_of(front) == (
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nOne<|im_end|>\n"
            "<|im_start|>user\nAgain<|im_end|>\n<|im_start|>assistant\n"
        )

    def test_what_is_not_stored_is_gone(self, front: Front) -> None:
        front.says("Hi")
        response_id = front.post(PATH, {"input": "Hi", "store": False}).json["id"]
        assert front.get(f"{PATH}/{response_id}").status == 404

    def test_a_reference_stands_for_its_item(self, front: Front) -> None:
        front.says("Known")
        item = front.post(PATH, {"input": "Hi"}).json["output"][0]["id"]
        reference = {"type": "item_reference", "id": item}
        front.post(PATH, {"input": [reference, {"role": "user", "content": "More"}]})
        assert "assistant\nKnown<|im_end|>" in prompt_of(front)
        answer = front.post(PATH, {"input": [{"type": "item_reference", "id": "msg_x"}]})
        assert answer.status == 404

    def test_input_tokens(self, front: Front) -> None:
        front.says("x")
        usage = front.post(PATH, {"input": "Hi"}).json["usage"]
        counted = front.post(f"{PATH}/input_tokens", {"input": "Hi"}).json
        assert counted["input_tokens"] == usage["input_tokens"]

    @pytest.mark.parametrize(
        ("body", "param", "status"),
        [
            ({}, "input", 400),
            ({"input": []}, "input", 400),
            ({"input": 5}, "input", 400),
            ({"prompt": {"id": "x"}}, "prompt", 400),
            ({"prompt": "x", "input": "y"}, "prompt", 400),
            ({"input": [{"type": "web_search_call"}]}, "input", 400),
            ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input", 400),
            ({"input": "x", "conversation": "c"}, "conversation", 400),
            ({"input": "x", "max_tokens": 3}, "max_tokens", 400),
            ({"input": "x", "response_format": {"type": "json_object"}}, "response_format", 400),
            ({"input": "x", "prompt_logprobs": 1}, "prompt_logprobs", 400),
            ({"input": "x", "background": True, "store": False}, "store", 400),
            ({"input": "x", "tools": [{"type": "web_search"}]}, "tools", 400),
            ({"input": "x", "tool_choice": "required"}, "tool_choice", 400),
            ({"input": "x", "text": {"format": {"type": "xml"}}}, "text", 400),
            ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "text", 400),
            ({"input": "x", "reasoning": {"effort": "huge"}}, "reasoning", 400),
            ({"input": "x", "max_output_tokens": 0}, "max_output_tokens", 400),
            ({"input": "x", "truncation": "maybe"}, "truncation", 400),
            ({"input": "x", "temperature": 9}, "temperature", 400),
            ({"input": "x", "metadata": {"k": 1}}, "metadata", 400),
            ({"input": "x", "previous_response_id": "resp_x"}, "previous_response_id", 404),
            ({"input": "x", "model": "other"}, "model", 404),
        ],
    )
    def test_refusals_name_the_parameter(
        self, front: Front, body: Any, param: str, status: int
    ) -> None:
        answer = front.post(PATH, body)
        assert (answer.status, answer.error["param"]) == (status, param), answer.data


class TestStream:
    def test_events_in_order(self, front: Front) -> None:
        front.says("Hey")
        events = events_of(front.post(PATH, {"input": "Hi", "stream": True}))
        deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
        assert "".join(deltas) == "Hey"
        assert types(events) == [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            *["output_text.delta"] * len(deltas),  # tokens that came together are one
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert events[-1]["response"]["output"][0] == events[-2]["item"]
        kept = front.get(f"{PATH}/{events[0]['response']['id']}").json
        assert kept == events[-1]["response"]

    def test_an_engine_that_fails_ends_it(self, front: Front) -> None:
        from penstock.protocol.messages import RefusalCode, Refused

        front.engine.refusal = lambda request: Refused(0, RefusalCode.OVERLOADED, "full")
        assert front.post(PATH, {"input": "Hi", "stream": True}).status == 503


class TestKept:
    def test_deleted_is_gone(self, front: Front) -> None:
        front.says("x")
        path = f"{PATH}/{front.post(PATH, {'input': 'Hi'}).json['id']}"
        assert front.ask("DELETE", path).json["deleted"] is True
        for method in ("GET", "DELETE"):
            answer = front.ask(method, path)
            assert (answer.status, answer.error["type"]) == (404, "invalid_request_error")
            assert answer.error["param"] == "response_id"

    def test_input_items_by_pages(self, front: Front) -> None:
        front.says("x")
        turns = [{"role": "user", "content": str(i)} for i in range(3)]
        path = f"{PATH}/{front.post(PATH, {'input': turns}).json['id']}/input_items"
        page = front.get(f"{path}?limit=2&order=asc").json
        assert [item["content"][0]["text"] for item in page["data"]] == ["0", "1"]
        assert page["has_more"]
        rest = front.get(f"{path}?order=asc&after={page['last_id']}").json
        assert [item["content"][0]["text"] for item in rest["data"]] == ["2"]
        assert not rest["has_more"]
        newest = front.get(path).json["data"][0]
        assert newest["content"] == [{"type": "input_text", "text": "2"}]

    def test_what_was_not_in_the_background_cannot_be_cancelled(self, front: Front) -> None:
        front.says("x")
        path = f"{PATH}/{front.post(PATH, {'input': 'Hi'}).json['id']}"
        assert front.post(f"{path}/cancel", {}).status == 400

    def test_what_was_never_streamed_cannot_be_streamed_again(self, front: Front) -> None:
        front.says("x")
        path = f"{PATH}/{front.post(PATH, {'input': 'Hi'}).json['id']}"
        assert front.get(f"{path}?stream=true").status == 400


class TestBackground:
    def test_it_comes_about_by_itself(self, front: Front) -> None:
        front.says("Later")
        body = front.post(PATH, {"input": "Hi", "background": True}).json
        assert (body["status"], body["output"]) == ("queued", [])
        assert finished(front, body["id"])["output"][0]["content"][0]["text"] == "Later"

    def test_its_events_can_be_had_again_from_anywhere(self, front: Front) -> None:
        front.says("Later")
        body = {"input": "Hi", "background": True, "stream": True}
        events = events_of(front.post(PATH, body))
        assert types(events)[:3] == ["created", "queued", "in_progress"]
        assert types(events)[-1] == "completed"
        path = f"{PATH}/{events[0]['response']['id']}?stream=true"
        assert events_of(front.get(path)) == events
        assert events_of(front.get(f"{path}&starting_after=4")) == events[5:]

    def test_cancelled_it_ends_in_the_engine(self, front: Front) -> None:
        front.says("endless ", ends=False)
        front.engine.is_holding = True
        response_id = front.post(PATH, {"input": "Hi", "background": True}).json["id"]
        wait_until(lambda: len(front.engine.generates) == 1)
        path = f"{PATH}/{response_id}"
        assert front.post(f"{path}/cancel", {}).json["status"] == "cancelled"
        wait_until(lambda: front.engine.aborted == [front.last.id])
        assert front.get(path).json["status"] == "cancelled"
        assert front.post(f"{path}/cancel", {}).json["status"] == "cancelled"

    def test_deleted_it_ends_in_the_engine(self, front: Front) -> None:
        front.engine.is_holding = True
        response_id = front.post(PATH, {"input": "Hi", "background": True}).json["id"]
        wait_until(lambda: len(front.engine.generates) == 1)
        front.ask("DELETE", f"{PATH}/{response_id}")
        wait_until(lambda: front.engine.aborted == [front.last.id])

    def test_a_refusal_makes_it_fail(self, front: Front) -> None:
        from penstock.protocol.messages import RefusalCode, Refused

        front.engine.refusal = lambda request: Refused(0, RefusalCode.OVERLOADED, "full")
        body = front.post(PATH, {"input": "Hi", "background": True}).json
        found = finished(front, body["id"])
        assert found["status"] == "failed"
        assert found["error"] == {"code": "server_error", "message": "full"}


class TestOfficialClient:
    def test_create_and_retrieve(self, front: Front, client: OpenAI) -> None:
        front.says("Hello")
        response = client.responses.create(
            model="tiny",
            input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
            include=["message.output_text.logprobs"],
            top_logprobs=2,
        )
        assert response.output_text == "Hello"
        message = response.output[0]
        assert message.type == "message"
        assert message.content[0].type == "output_text"
        assert next(entry.token for entry in message.content[0].logprobs or []) == "H"
        assert client.responses.retrieve(response.id) == response
        (item,) = client.responses.input_items.list(response.id).data
        assert item.type == "message"
        client.responses.delete(response.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response.id)

    def test_stream(self, front: Front, client: OpenAI) -> None:
        front.says("Hello, 世界")
        with client.responses.stream(model="tiny", input="Hi") as stream:
            text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
            response = stream.get_final_response()
        assert text == response.output_text == "Hello, 世界"

    def test_parse(self, front: Front, client: OpenAI) -> None:
        class City(BaseModel):
            name: str

        front.says('{"name":"Łódź"}')
        response = client.responses.parse(model="tiny", input="Hi", text_format=City)
        assert response.output_parsed == City(name="Łódź")
        assert front.last.params.constraint is not None
        assert json.loads(front.last.params.constraint.text)["required"] == ["name"]

    def test_poll_in_the_background(self, front: Front, client: OpenAI) -> None:
        front.says("Later")
        response = client.responses.create(model="tiny", input="Hi", background=True)
        wait_until(lambda: client.responses.retrieve(response.id).status == "completed")
        with client.responses.stream(response_id=response.id, starting_after=2) as stream:
            events = list(stream)
        assert events[-1].type == "response.completed"
