"""Templates that come with requests, over HTTP: a 400 for what is hostile, and nobody else notices."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.front import Front
from support.hostile_templates import EVILS


@pytest.mark.parametrize(
    "name", ["nested loops", "nested lists shown", "nested tuples hashed", "classes"]
)
def test_evils_are_400_and_the_next_request_is_served(front: Front, name: str) -> None:
    front.says("a")
    answer = front.chat(chat_template=EVILS[name])
    assert (answer.status, answer.error["param"]) == (400, "chat_template")
    assert "template" in answer.error["message"]
    assert front.chat(chat_template="{{ messages[0].content }}").status == 200


def test_a_template_error_quotes_its_line(front: Front) -> None:
    answer = front.chat(chat_template="a\n{{ raise_exception('no images') }}")
    words = "no images (line 2 of the chat template: {{ raise_exception('no images') }})"
    assert answer.error["message"] == words


def test_others_are_served_meanwhile(front: Front) -> None:
    front.says("a")
    with ThreadPoolExecutor(8) as threads:
        evil = [threads.submit(front.chat, chat_template=EVILS["nested loops"]) for _ in range(3)]
        good = [front.chat("Hi").status for _ in range(20)]
        assert good == [200] * 20
        assert [each.result().status for each in evil] == [400] * 3
