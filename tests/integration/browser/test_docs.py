"""/docs and /redoc in a real browser, against `penstock serve` with brook: what is sent from them, what they show."""

import json
from typing import Any

import pytest
from support.browser import missing, play
from support.deployment import Deployment

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.mark.parametrize("scene", ["lists", pytest.param("listsOnAPhone", marks=pytest.mark.long)])
def test_the_models_are_listed(brook: Deployment, scene: str) -> None:
    seen = play("docs.mjs", scene, f"{brook.url}/")
    assert seen["status"] == "200"
    assert _body(seen)["data"][0]["id"] == "brook"


def test_a_conversation_is_answered(brook: Deployment) -> None:
    seen = play("docs.mjs", "chats", f"{brook.url}/")
    assert seen["status"] == "200"
    assert "brook" in _body(seen)["choices"][0]["message"]["content"]


def test_redocs_page_asks_nothing_of_other_hosts(brook: Deployment) -> None:
    """Nor does it leave a line on the console that its policy kept it from doing so: `play` sees to both."""
    seen = play("docs.mjs", "reads", f"{brook.url}/")
    assert "API docs by Redocly" in seen["menu"]
    assert seen["pictures"] == 0


def _body(seen: Any) -> Any:
    """Behind the word of the button beside it."""
    return json.loads(seen["body"].removeprefix("Download"))
