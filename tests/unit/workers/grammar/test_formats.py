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
from support.grammars import drawn, matcher_of, text_of

from penstock.protocol.constraint import Constraint
from penstock.workers.grammar.formats import PATTERNS, with_patterns

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


def test_values_and_other_formats_stay_as_they_are() -> None:
    assert an_answer({"const": {"format": "date"}}, 1) == {"format": "date"}
    for value in (
        {"format": "ipv4"},
        {"format": 5},
        {"format": "date", "pattern": "a", "allOf": 5},
    ):
        assert with_patterns(value) == value
