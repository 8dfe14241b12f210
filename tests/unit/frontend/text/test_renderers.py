"""Whatever a request's template does, it ends, and the next one is rendered as if nothing had been."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.hostile_templates import EVILS, corpus

from penstock.frontend.text.chat_template import ChatTemplate, ChatTemplates
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError, TemplateTimeoutError, TextError
from penstock.frontend.text.renderers import Renderers

USER = {"role": "user", "content": "Hi é\u2028"}
TURN = Conversation([USER])
QUICK_S = 0.15
PATIENCE_S = 30.0
"""Of a busy machine. Of a processor's time a job takes little more than `QUICK_S`, and two seconds of anybody's."""
ENDLESS = EVILS["nested loops"]


@pytest.fixture
def renderers() -> Iterator[Renderers]:
    made = Renderers(QUICK_S)
    yield made
    made.close()


def outcome(renderers: Renderers, source: str) -> tuple[float, str | TextError]:
    begun = time.monotonic()
    try:
        text: str | TextError = renderers.template(source).render(TURN)
    except TextError as error:
        text = error
    return time.monotonic() - begun, text


def check_all_end(renderers: Renderers, sources: dict[str, str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(2) as threads:
        ended = threads.map(lambda source: outcome(renderers, source), sources.values())
        for name, (took_s, text) in zip(sources, ended, strict=True):
            assert took_s < PATIENCE_S, name
            assert isinstance(text, str | TemplateError), name
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 400 << 10
    assert renderers.template("{{ messages[0].content }}!").render(TURN) == "Hi é\u2028!"


def test_evils_end(renderers: Renderers) -> None:
    check_all_end(renderers, {name: EVILS[name] for name in list(EVILS)[:: len(EVILS) // 12]})


@pytest.mark.long
def test_every_evil_ends_however_it_is_hidden(renderers: Renderers) -> None:
    check_all_end(renderers, corpus())


def test_what_is_rendered_is_what_is_rendered_here(renderers: Renderers) -> None:
    source = (
        "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}"
        "{{ tools | tojson }}{{ documents }}{{ x }}{{ add_generation_prompt }}"
    )
    asked = Conversation(
        [USER], tools=[{"a": 1}], documents=[{"b": "é"}], add_generation_prompt=False
    )
    here = ChatTemplates({"default": source}, {"x": "X"})
    there = here.render(asked, template=renderers.template(source))
    assert there == here.render(asked)
    continued = Conversation([USER], add_generation_prompt=False, continue_final_message=True)
    goes_on = "{{ messages[-1].content }}</s>"
    assert renderers.template(goes_on).render(continued) == USER["content"]


def test_its_errors_name_the_line_too(renderers: Renderers) -> None:
    words = r"not so \(line 2 of the chat template: \{\{ raise_exception\('not so'\) \}\}\)"
    with pytest.raises(TemplateError, match=words):
        renderers.template("a\n {{ raise_exception('not so') }}").render(TURN)
    with pytest.raises(TemplateError, match="line 1 of the chat template"):
        renderers.template("{% if %}").render(TURN)


def test_too_long_is_an_error_and_the_next_job_finds_another_process(renderers: Renderers) -> None:
    for _ in range(2):
        with pytest.raises(TemplateTimeoutError, match="too long or too much memory"):
            renderers.template(ENDLESS).render(TURN)
    assert renderers.template("x").render(TURN) == "x"


def test_too_much_memory_is_an_error() -> None:
    hungry = (
        "{% set ns = namespace(x=[]) %}{% for i in range(99) %}"
        "{% set ns.x = ns.x + ['a' * (30000000 + i)] %}{% endfor %}"
    )
    renderers = Renderers(computing_s=60.0, max_bytes=1 << 28)  # to fill more may take too long
    try:
        with pytest.raises(TemplateError, match="memory"):
            renderers.template(hungry).render(TURN)
        assert renderers.template("x").render(TURN) == "x"
    finally:
        renderers.close()


def test_an_idle_process_is_used_again(renderers: Renderers) -> None:
    renderers.template("x").render(TURN)
    begun = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for _ in range(20):
        renderers.template("x").render(TURN)
    assert time.process_time() - begun[0] < 1
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime == begun[1]


def test_a_lone_surrogate_in_the_result_is_refused(renderers: Renderers) -> None:
    with pytest.raises(TextError, match="surrogate"):
        renderers.template("{{ '\\ud800' }}").render(TURN)


@pytest.mark.parametrize(
    "name",
    [
        "nested loops",
        "a tree of calls",
        "endless recursion",
        "a cycler",
        "endless output",
        "callers",
        "many loops",
    ],
)
def test_the_models_own_templates_end_as_well(name: str) -> None:
    """Without a process of their own: loops and calls look at the clock."""
    begun = time.thread_time()
    with pytest.raises(TemplateError):
        ChatTemplate(EVILS[name]).render(TURN, limit_s=0.1)
    assert time.thread_time() - begun < 1


def test_time_is_counted_for_each_rendering_anew() -> None:
    template = ChatTemplate("{% for i in range(9999) %}{% endfor %}{{ messages[0].content }}")
    for _ in range(3):
        assert template.render(TURN) == USER["content"]
