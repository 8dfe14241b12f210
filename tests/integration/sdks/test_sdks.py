"""Seven SDKs against `penstock serve`, with brook answering: what each scene must show, whoever plays it."""

from typing import Any

import pytest
from support.deployment import Deployment
from support.sdk_clients import CLIENTS, Playbill

Seen = dict[str, Any]
PARIS = {"name": "get_weather", "arguments": {"city": "Paris"}}
LONDON = {"name": "get_weather", "arguments": {"city": "London"}}
MARA = {"name": "Mara", "age": 30, "city": "Paris"}


@pytest.fixture(scope="session")
def playbill(brook: Deployment) -> Playbill:
    return Playbill(f"{brook.url}/v1")


@pytest.fixture
def seen(request: pytest.FixtureRequest, playbill: Playbill) -> Seen:
    client, scene = request.param
    if reason := client.missing():
        pytest.skip(reason)
    return playbill.seen(client, scene)


def each_that_plays(scene: str) -> pytest.MarkDecorator:
    players = [pytest.param((c, scene), id=c.name) for c in CLIENTS if scene in c.scenes]
    return pytest.mark.parametrize("seen", players, indirect=True)


def _agrees(seen: Seen, finish: str) -> bool:
    """Not every SDK shows why an answer ended; those that do must be told the truth."""
    return seen.get("finish", finish) == finish and not (
        finish == "tool_calls" and seen.get("content")
    )


@each_that_plays("chat")
def test_chat(seen: Seen) -> None:
    assert "brook" in seen["text"]
    assert _agrees(seen, "stop")


@each_that_plays("stream")
def test_streaming_says_the_same_piece_by_piece(seen: Seen) -> None:
    assert len(seen["pieces"]) > 1
    assert "brook" in "".join(seen["pieces"])
    assert _agrees(seen, "stop")


@each_that_plays("tools")
def test_a_tool_loop_ends_in_an_answer(seen: Seen) -> None:
    assert seen["calls"] == [PARIS]
    assert _agrees(seen, "tool_calls")
    _reports_the_weather(seen)


@each_that_plays("stream_tools")
def test_a_streamed_tool_loop_ends_in_an_answer(seen: Seen) -> None:
    assert seen["calls"] == [PARIS]
    assert _agrees(seen, "tool_calls")
    _reports_the_weather(seen)


def _reports_the_weather(seen: Seen) -> None:
    assert all(fact in seen["text"] for fact in ("Paris", "sunny", "21"))
    assert "tool_call" not in seen["text"]
    assert seen.get("ends", "stop") == "stop"


@each_that_plays("required")
def test_a_required_call_is_made_though_nobody_needs_it(seen: Seen) -> None:
    assert seen["calls"]
    assert all(_fits(call) for call in seen["calls"])
    assert _agrees(seen, "tool_calls")


@each_that_plays("named")
def test_a_named_function_is_called_though_another_fits(seen: Seen) -> None:
    assert [call["name"] for call in seen["calls"]] == ["calculator"]
    assert _fits(seen["calls"][0])


def _fits(call: dict[str, Any]) -> bool:
    parameter = {"get_weather": "city", "calculator": "expression"}[call["name"]]
    arguments = call["arguments"]
    return list(arguments) == [parameter] and isinstance(arguments[parameter], str)


@each_that_plays("parallel")
def test_two_calls_in_one_turn(seen: Seen) -> None:
    assert seen["calls"] == [PARIS, LONDON]
    assert _agrees(seen, "tool_calls")


@each_that_plays("structured")
def test_structured_output_each_way_the_sdk_knows(seen: Seen) -> None:
    assert seen == dict.fromkeys(seen, MARA)


@each_that_plays("stream_structured")
def test_structured_output_streamed(seen: Seen) -> None:
    assert seen == dict.fromkeys(seen, MARA)


@each_that_plays("parsed_tools")
def test_strict_functions_come_parsed(seen: Seen) -> None:
    assert seen["arguments"] == {"city": "Paris"}


@each_that_plays("tool_events")
def test_the_streaming_helper_tells_of_a_call_as_it_grows(seen: Seen) -> None:
    assert seen["calls"] == [PARIS]
    assert len(seen["deltas"]) > 1
    assert "".join(seen["deltas"]) == seen["done"]
    assert seen["usage"] > 0


@each_that_plays("responses_create")
def test_a_response_is_made_and_kept(seen: Seen) -> None:
    assert "brook" in seen["text"]
    assert (seen["status"], seen["again"]) == ("completed", seen["text"])
    assert seen["input"] == "Hello! Who are you?"


@each_that_plays("responses_stream")
def test_a_response_is_streamed_in_numbered_events(seen: Seen) -> None:
    assert len(seen["pieces"]) > 1
    assert "".join(seen["pieces"]) == seen["text"]
    assert seen["numbers"] == list(range(len(seen["numbers"])))
    assert seen["last"] == "response.completed"


@each_that_plays("responses_parse")
def test_a_response_is_parsed_whole_and_streamed(seen: Seen) -> None:
    assert seen == {"parse": MARA, "stream": MARA}


@each_that_plays("responses_poll")
def test_a_response_in_the_background_is_polled(seen: Seen) -> None:
    assert (seen["first"], seen["status"]) == ("queued", "completed")
    assert "brook" in seen["text"]
    assert seen["numbers"] == list(range(3, 3 + len(seen["numbers"])))


@each_that_plays("responses_tools")
def test_a_tool_loop_of_items(seen: Seen) -> None:
    assert seen["calls"] == [PARIS]
    _reports_the_weather(seen)


@each_that_plays("responses_chain")
def test_a_tool_loop_that_the_server_remembers(seen: Seen) -> None:
    assert seen["calls"] == [PARIS]
    assert seen["parsed"] == [PARIS["arguments"]]
    _reports_the_weather(seen)


@each_that_plays("responses_again")
def test_a_stream_that_was_cut_short_goes_on(seen: Seen) -> None:
    assert "brook" in seen["text"]
    assert "".join(seen["pieces"]) == seen["text"]
    assert seen["numbers"] == list(range(len(seen["numbers"])))


@each_that_plays("network")
def test_no_client_calls_home(seen: Seen) -> None:
    assert seen == {"elsewhere": []}
