"""The page at / in a real browser, against `penstock serve` with brook: what each scene must show."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from support.browser import missing, play
from support.deployment import Deployment
from support.variants import often

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

FIGURES = re.compile(r"first token \d+(\.\d+)? m?s · \d+ tokens · [\d.,]+ tokens/s")


@pytest.fixture(scope="module")
def locked() -> Iterator[Deployment]:
    with Deployment("--api-key", "sk-right", "--api-server-count", "1") as deployment:
        yield deployment


# ---- the playground


def test_an_answer_streams_and_the_conversation_goes_on(brook: Deployment) -> None:
    seen = play("playground.mjs", "chat", f"{brook.url}/")
    assert "brook" in seen["text"]
    assert FIGURES.fullmatch(seen["figures"])
    assert "Mara" in seen["remembers"]
    assert seen["turns"] == 6
    assert seen["jumps"] < 0.01, "nothing moves that the user did not move"


def test_stop_ends_the_answer_here_and_in_the_engine(brook: Deployment) -> None:
    seen = play("playground.mjs", "stopped", f"{brook.url}/")
    assert (seen["during"], seen["after"]) == ("Stop", "Send")
    assert seen["figures"].endswith("stopped")
    assert not seen["grew"]
    assert 0 < seen["generated"] < 1800


def test_a_call_waits_for_its_result_and_goes_on_with_it(brook: Deployment) -> None:
    seen = play("playground.mjs", "tools", f"{brook.url}/")
    assert (seen["name"], json.loads(seen["given"])) == ("get_weather", {"city": "Paris"})
    assert "sunny" in seen["text"]
    assert "21" in seen["text"]


def test_each_token_tells_its_probability_by_mouse_and_by_key(brook: Deployment) -> None:
    seen = play("playground.mjs", "probabilities", f"{brook.url}/")
    assert seen["shown"] == seen["text"]
    assert max(seen["doubts"]) > 0.1
    assert all(0 <= doubt <= 1 for doubt in seen["doubts"])
    assert seen["hovered"] == seen["byKey"]
    assert len(seen["hovered"]) in (5, 6)
    assert len([row for row in seen["hovered"] if "(chosen)" in row]) == 1
    assert all(row.rstrip().endswith("%") for row in seen["hovered"])
    assert seen["isGone"]
    assert seen["isHidden"]
    assert seen["isDescribed"]
    assert seen["stops"] == 1, "a run of tokens is one stop in the order of tabs"


def test_a_schema_is_kept(brook: Deployment) -> None:
    seen = play("playground.mjs", "structured", f"{brook.url}/")
    assert seen["answer"] == {"name": "Mara", "age": 30, "city": "Paris"}


def test_a_refusal_is_shown_in_the_servers_words_and_can_be_tried_again(brook: Deployment) -> None:
    seen = play("playground.mjs", "refused", f"{brook.url}/")
    assert seen["shown"].splitlines() == [seen["said"]["message"], "400 BadRequestError"]
    assert seen["again"]
    assert seen["answers"] == 1


def test_json_that_is_none_is_pointed_out_before_anything_is_sent(brook: Deployment) -> None:
    seen = play("playground.mjs", "unreadable", f"{brook.url}/")
    assert seen["fault"].startswith("This is not JSON")
    assert (seen["kept"], seen["turns"]) == ("Hi", 0)


def test_a_request_can_be_taken_along(brook: Deployment) -> None:
    seen = play("playground.mjs", "snippets", f"{brook.url}/")
    words = shlex.split(seen["curl"].replace("\\\n", ""))
    assert words[:2] == ["curl", f"{brook.url}/v1/chat/completions"]
    body: dict[str, Any] = json.loads(words[-1])
    assert body["messages"][0] == {"role": "system", "content": "It's you."}
    assert body["top_k"] == 5
    status, answer = brook.post("/v1/chat/completions", body)
    assert (status, answer["object"]) == (200, "chat.completion")
    compile(seen["python"], "snippet", "exec")
    assert f'base_url="{brook.url}/v1"' in seen["python"]


def test_a_turn_can_be_said_differently(brook: Deployment) -> None:
    seen = play("playground.mjs", "edited", f"{brook.url}/")
    assert (seen["offered"], seen["left"]) == ("What is 2 + 2?", 2)
    assert "7" in seen["text"]
    assert (seen["turns"], seen["isWelcome"]) == (0, True)


def test_a_server_that_is_gone_is_said_to_be(brook: Deployment) -> None:
    seen = play("playground.mjs", "broken", f"{brook.url}/")
    assert seen["error"] == seen["notice"] == "The server cannot be reached."
    assert seen["state"] == "not reachable"


def test_what_anybody_says_stays_text(brook: Deployment) -> None:
    seen = play("playground.mjs", "hostile", f"{brook.url}/")
    assert seen["isFolded"]
    assert seen["asked"] == seen["prose"] == seen["code"] == seen["reasoning"].removeprefix("Hm ")
    assert "<script>" in seen["code"]
    assert (seen["title"], seen["elements"]) == ("Penstock", 0)


def test_a_phone_has_all_of_it_at_its_width(brook: Deployment) -> None:
    seen = play("playground.mjs", "phone", f"{brook.url}/")
    assert seen["widths"] == [390, 390, 390]
    assert seen["bottom"] <= 844


# ---- the live board


def test_the_board_shows_a_load_as_it_is(brook: Deployment) -> None:
    seen = play("board.mjs", "underLoad", f"{brook.url}/")
    busy, later, idle = seen["busy"], seen["later"], seen["idle"]
    assert int(busy["Running"]["value"]) > 1
    assert later["Generated"]["value"] not in ("–", "0")
    assert int(later["KV cache"]["value"].replace(",", "")) > 0
    assert later["Engine"]["note"] == "2 front ends, 1 worker alive"
    assert later["Generated"]["line"] >= 2
    assert (idle["Running"]["value"], idle["Waiting"]["value"]) == ("0", "0")
    assert seen["generated"] == seen["sent"]
    assert idle["Generated"]["note"] == f"{seen['total']:,} since the start"


def test_nothing_is_asked_for_while_nobody_looks(brook: Deployment) -> None:
    seen = play("board.mjs", "hidden", f"{brook.url}/")
    assert seen["asksOn"]
    assert seen["seen"] <= 4
    assert seen["unseen"] == 0
    assert seen["again"]


# ---- keys


def test_a_key_is_asked_for_and_kept_in_the_tab(locked: Deployment) -> None:
    seen = play("access.mjs", "asksForAKey", f"{locked.url}/")
    assert "carries no API key" in seen["why"]
    assert seen["kept"] == {"session": {"penstock.key": "sk-right"}, "local": 0, "cookie": ""}
    assert seen["text"]
    assert "sk-right" not in seen["curl"]
    assert "Authorization: Bearer $OPENAI_API_KEY" in seen["curl"]


def test_who_has_no_key_is_asked_once_and_told_why_nothing_comes(locked: Deployment) -> None:
    seen = play("access.mjs", "canBeLeftWithoutAKey", f"{locked.url}/")
    assert seen["state"] == "needs a key"
    assert seen["isLeftAlone"]
    assert "carries no API key" in seen["notice"]


# ---- all of it


@pytest.mark.parametrize("scene", often(["wideLight", "narrowDark"], ["wideDark", "narrowLight"]))
def test_everyone_can_use_it(brook: Deployment, scene: str) -> None:
    assert not any(play("accessible.mjs", scene, f"{brook.url}/").values())
