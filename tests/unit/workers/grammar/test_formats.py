"""Formats of dates and times: what is said exists in the calendar, and what a calendar has can be said."""

import calendar
import datetime
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from support.examples import examples
from support.grammars import drawn, matcher_of, takes, text_of

from penstock.protocol.constraint import Constraint
from penstock.workers.grammar.errors import GrammarError
from penstock.workers.grammar.formats import PATTERNS, with_formats
from penstock.workers.grammar.lookahead import EQUALS

KINDS: dict[str, Any] = {
    "date": TypeAdapter(datetime.date),
    "time": TypeAdapter(datetime.time),
    "date-time": TypeAdapter(datetime.datetime),
    "duration": TypeAdapter(datetime.timedelta),
}


def is_said(name: str, text: str) -> bool:
    return re.fullmatch(PATTERNS[name], text) is not None


def schema(value: object) -> Constraint:
    return Constraint("json_schema", json.dumps(value))


def an_answer(value: object, seed: int) -> Any:
    return json.loads(text_of([*drawn(matcher_of(schema(value)), seed)]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("date", "2023-02-29"),
        ("date", "1900-02-29"),
        ("date", "2023-04-31"),
        ("date", "0000-01-01"),
        ("time", "10:41:60Z"),
        ("time", "24:00:00Z"),
        ("time", "10:41:59"),
        ("time", "10:41:59.1234567Z"),
        ("date-time", "2024-01-01T10:41:60Z"),
        ("date-time", "2023-02-29T10:41:59Z"),
        ("duration", "P"),
        ("duration", "PT"),
        ("duration", "P1Y1D"),
        ("duration", "P1W1D"),
        ("duration", "P1234567D"),
        ("email", "a@b"),
        ("email", "a..b@c.de"),
        ("email", "a@[127.0.0.1]"),
        ("hostname", "xn--X"),
        ("hostname", "a-.b"),
        ("hostname", "-a.b"),
        ("hostname", "ab--c"),
        ("hostname", f"{'a' * 64}.b"),
        ("uuid4", "00000000-0000-1000-8000-000000000000"),
        ("uuid4", "00000000-0000-4000-0000-000000000000"),
        ("base64", "abc"),
        ("base64url", "ab=="),
        ("json-pointer", "/~2"),
    ],
)
def test_what_a_parser_refuses_or_what_has_no_end_is_not_said(name: str, text: str) -> None:
    assert not is_said(name, text)


def test_29_february_is_in_leap_years_alone() -> None:
    for year in range(1, 10_000):
        assert is_said("date", f"{year:04}-02-28")
        assert is_said("date", f"{year:04}-02-29") == calendar.isleap(year)


def test_each_month_has_its_days() -> None:
    for month in range(14):
        for day in range(33):
            exists = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2023, month)[1]
            assert is_said("date", f"2023-{month:02}-{day:02}") == exists


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_every_moment_can_be_said(moment: datetime.datetime) -> None:
    text = moment.isoformat()
    assert is_said("date-time", text)
    assert is_said("date", moment.date().isoformat())
    assert is_said("time", text.partition("T")[2].replace("+00:00", "Z"))


@settings(max_examples=200)
@given(st.data())
def test_all_that_is_said_can_be_parsed(data: st.DataObject) -> None:
    for name, parser in KINDS.items():
        parser.validate_json(json.dumps(data.draw(st.from_regex(PATTERNS[name], fullmatch=True))))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_an_answer_drawn_at_random_can_be_parsed_and_is_short(name: str, seed: int) -> None:
    answer = an_answer({"type": "string", "format": name}, seed)
    KINDS[name].validate_python(answer)
    assert len(answer) <= 50


@pytest.mark.parametrize("seed", range(6))
def test_a_pattern_beside_a_format_is_kept(seed: int) -> None:
    value = {"type": "string", "format": "date", "pattern": "-02-29$", "allOf": [{"minLength": 1}]}
    assert re.fullmatch(r"\d{4}-02-29", an_answer(value, seed))
    assert an_answer(value | {"pattern": "^2400"}, seed)[:5] == "2400-"


@pytest.mark.parametrize("name", ["format", "default", "const", "examples"])
def test_a_member_may_be_called_as_a_keyword_is(name: str) -> None:
    value = {
        "type": "object",
        "properties": {name: {"$ref": "#/$defs/enum"}},
        "required": [name],
        "additionalProperties": False,
        "$defs": {"enum": {"type": "string", "format": "date", "pattern": "-02-(29|30)$"}},
    }
    assert an_answer(value, 1)[name].endswith("-02-29")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "o'hara.j+x@mail-1.example.org"),
        ("hostname", "a.b-c.d--e.example"),
        ("hostname", f"{'a' * 63}.a-b.a1"),
        ("uuid", "00000000-0000-0000-0000-00000000000F"),
        ("uuid4", "00000000-0000-4000-8000-000000000000"),
        ("base64", "YWI="),
        ("base64url", "YW-_"),
        ("json-pointer", "/a~1b/0"),
    ],
)
def test_what_parsers_take_is_said(name: str, text: str) -> None:
    assert is_said(name, text)


@examples(100)
@given(st.from_regex("[a-z-]{1,7}", fullmatch=True))
def test_a_label_is_as_its_rule_has_it(label: str) -> None:
    is_plain = label[0] != "-" and label[-1] != "-" and label[2:4] != "--"
    assert is_said("hostname", label) == is_plain


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("hostname", ".".join(["a" * 49] * 5 + ["abc"])),
        ("email", f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.de"),
        ("uri", f"https://a.de/{'b' * 2070}"),
    ],
)
def test_open_formats_have_an_end(name: str, longest: str) -> None:
    value = {"type": "string", "format": name}
    assert takes(schema(value), json.dumps(longest))
    assert not takes(schema(value), json.dumps(longest + "e"))
    assert not takes(schema(value | {"maxLength": 20}), json.dumps(longest))
    assert not takes(schema({"type": "string", "format": "email"}), f'"{"a" * 65}@b.de"')


def test_numbers_may_have_a_size() -> None:
    for value in ({"type": "integer"}, {"type": ["integer", "null"], "maximum": 1 << 40}):
        assert takes(schema(value | {"format": "int32"}), str(-(1 << 31)))
        assert not takes(schema(value | {"format": "int32"}), str(1 << 31))
        assert takes(schema(value | {"format": "double"}), str(1 << 31))


def test_a_format_is_free_or_what_a_pattern_beside_it_says_or_refused() -> None:
    assert takes(schema({"type": "string", "format": "password"}), '"?"')
    nano = {"type": "string", "format": "nanoid", "pattern": "^[a-z]{3}$"}
    lower = {"type": "string", "format": "starts_with", "allOf": [{"pattern": "^ab"}]}
    assert takes(schema(nano), '"abc"')
    assert not takes(schema(nano), '"ab"')
    assert not takes(schema(lower), '"ba"')
    for value in ({"format": "jwt"}, {"format": "iri", "pattern": "a"}, {"format": "file-path"}):
        with pytest.raises(GrammarError, match="nknown format"):
            matcher_of(schema({"type": "string"} | value))


@examples(300)
@given(st.data())
def test_patterns_without_look_ahead_say_the_same(data: st.DataObject) -> None:
    given, equal = data.draw(st.sampled_from([*EQUALS.items()]))
    close = st.text("PTWYMDHS12.,@a-+'_", max_size=12)
    text = data.draw(st.from_regex(given, fullmatch=True) | close)
    if text.isascii() and not text.endswith("\n"):
        assert (re.search(given, text) is None) == (re.search(equal, text) is None)


def test_an_address_of_mail_may_have_the_pattern_of_a_library() -> None:
    for pattern in EQUALS:
        if "@" in pattern:
            value = {"type": "string", "format": "email", "pattern": pattern}
            assert takes(schema(value), '"a.b@c.de"')
            assert not takes(schema(value), '"a..b@c.de"')


def test_values_and_other_formats_stay_as_they_are() -> None:
    assert an_answer({"const": {"format": "date"}}, 1) == {"format": "date"}
    for value in (
        {"format": "ipv4"},
        {"format": 5},
        {"format": "date", "pattern": "a", "allOf": 5},
    ):
        assert with_formats(value) == value
