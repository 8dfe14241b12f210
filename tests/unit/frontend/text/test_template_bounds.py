"""What would not fit is refused before it is made, and what fits is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile_templates import EVILS

from penstock.frontend.text import template_bounds
from penstock.frontend.text.chat_template import ChatTemplate
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError

USER = {"role": "user", "content": "Hi"}
TURN = Conversation([USER])
TEXT = st.text("ab\t\n", max_size=12)
NUMBER = st.integers(0, 40)


@pytest.mark.parametrize(
    "name",
    [
        "a long text",
        "a long list",
        "lists in lists",
        "added texts",
        "joined texts",
        "added lists",
        "a block that doubles",
        "a power",
        "powers of powers",
        "squares",
        "a wide format",
        "a precise format",
        "a format of given width",
        "another format",
        "a nested format",
        "the format filter",
        "padding",
        "the center filter",
        "the indent filter",
        "the batch filter",
        "the slice filter",
        "the replace filter",
        "the method replace",
        "the method join",
        "the method translate",
        "tabs",
        "a rounded number",
        "many parentheses",
        "classes",
        "appended texts",
        "appended namespaces",
        "lists in many lists",
    ],
)
def test_evils_of_one_operation_are_refused_at_once(name: str) -> None:
    """In a template of the model's own, too, which no other process renders."""
    with pytest.raises(TemplateError):
        ChatTemplate(EVILS[name]).render(TURN)


@pytest.mark.parametrize(
    "name", ["appending to what is walked through", "appending in a filter", "inserting in front"]
)
def test_lists_that_grow_without_end_are_stopped(name: str) -> None:
    with pytest.raises(TemplateError):
        ChatTemplate(EVILS[name]).render(TURN, limit_s=0.2)


def test_what_lists_take_on_is_counted_together_wherever_it_happens() -> None:
    """Also in blocks that have a context of their own."""
    grows = "{% set _ = l.append('a' * 999999 ~ a) %}"
    block = "{% block b scoped %}" + grows + "{% endblock %}"
    for body in (grows, block, "{% set l = [] %}" + grows):
        source = "{% set l = [] %}{% for a in range(999) %}" + body + "{% endfor %}"
        with pytest.raises(TemplateError, match="too large"):
            ChatTemplate(source).render(TURN)


@given(left=TEXT, right=TEXT, number=NUMBER)
def test_no_estimate_of_an_operation_is_too_low(left: str, right: str, number: int) -> None:
    made = {
        ("+", left, right): left + right,
        ("*", left, number): left * number,
        ("*", number, left): left * number,
        ("%", f"%{number}s", (left,)): left.rjust(number),
        ("%", "%*d", (number, 1)): "1".rjust(number),
    }
    for (operator, *operands), result in made.items():
        assert template_bounds.of_operation(operator, *operands) >= len(result) - number - 4


@given(text=TEXT, old=st.text("ab", max_size=2), new=TEXT, number=NUMBER)
def test_no_estimate_of_a_method_is_too_low(text: str, old: str, new: str, number: int) -> None:
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (text.replace, (old, new)),
        (text.join, ([old, new],)),
        (text.expandtabs, (number,)),
        (text.translate, ({97: new},)),
    ]
    for method, args in calls:
        estimate = template_bounds.of_call(method, args, {})
        assert estimate + len(text) * 2 >= len(method(*args))


@given(text=TEXT, number=NUMBER, old=st.text("ab", min_size=1, max_size=2), new=TEXT)
def test_bounds_change_nothing_that_fits(text: str, number: int, old: str, new: str) -> None:
    source = (
        "{{ x * n }}|{{ x ~ n ~ x }}|{{ x + x }}|{{ x | indent(n, true) }}|{{ x.center(n) }}|"
        "{{ x | replace(o, w) }}|{{ x.replace(o, w) }}|{{ x.join([o, w]) }}|{{ '%5s' % x }}|"
        "{{ [o, w] | join(x) }}|{{ '{:>9}{}'.format(o, w) }}|{{ 2 ** n }}|{{ x | center(n) }}"
    )
    indented = text.replace("\n", "\n" + " " * number)
    lines = [
        text * number,
        f"{text}{number}{text}",
        text + text,
        None,
        text.center(number),
        text.replace(old, new),
        text.replace(old, new),
        text.join([old, new]),
        text.rjust(5),
        text.join([old, new]),
        f"{old:>9}{new}",
        str(2**number),
        text.center(number),
    ]
    given_ones = {"x": text, "n": number, "o": old, "w": new}
    shown = ChatTemplate(source).render(Conversation([USER], variables=given_ones)).split("|")
    assert len(indented) >= len(text)
    for line, expected in zip(shown, lines, strict=True):
        assert expected is None or line == expected
