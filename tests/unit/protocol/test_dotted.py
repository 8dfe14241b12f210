"""Parts of a JSON setting, and variables that nobody reads."""

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol import flags
from penstock.protocol.flags.dotted import merge, nested
from penstock.protocol.settings.field import described


class Parted(msgspec.Struct, kw_only=True):
    """A setting with keys beside some that have none."""

    shape: Annotated[dict[str, Any], described("Shape.", flags=["-s"])] = {}
    any_thing: Annotated[Any, described("Anything.")] = None
    size: Annotated[int, described("Size.", env=["VLLM_PART_SIZE"])] = 1


def read(*argv: str) -> Parted:
    settings: Parted = flags.parse("parted", "", [Parted], argv, {})[0]
    return settings


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ("--shape.level 3", {"level": 3}),
        ("-s.level=3 --size 4", {"level": 3}),
        ("--shape.a.b true --shape.a.c x.y", {"a": {"b": True, "c": "x.y"}}),
        ("--shape.num_of -1.5", {"num_of": -1.5}),
        ("--shape.a=", {"a": ""}),
        ("--shape.k+ a --shape.k+=b,c", {"k": ["a", "b", "c"]}),
        ("--shape.a 1 --shape.a 2", {"a": 2}),
        ('--shape.b 2 --shape {"a":{"x":1},"b":1} --shape.a.y 3', {"a": {"x": 1, "y": 3}, "b": 2}),
        ('--shape.a {"x":1} --shape.a.y 2', {"a": {"x": 1, "y": 2}}),
        ("--shape.a-b.c_d 1", {"a-b": {"c_d": 1}}),
    ],
)
def test_parts_make_one_object(words: str, shape: dict[str, Any]) -> None:
    assert read(*words.split()).shape == shape


def test_a_setting_of_any_kind_may_have_parts_and_underscores() -> None:
    assert read("--any_thing.a_b", "1").any_thing == {"a_b": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--shape.a", "parted: --shape.a: expected a value"),
        ("--shape.a --size 2", "parted: --shape.a: expected a value"),
        ("--shape [1] --shape.a 2", "parted: --shape: expected a JSON object, of which --shape.KEY"),
        ("--size.a 2", "parted: unknown setting --size.a; did you mean '--size'?"),
        ("--shap.a 2", "parted: unknown setting --shap.a; did you mean '--shape'?"),
    ],
)  # fmt: skip
def test_what_is_no_part_is_told(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        read(*words.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(told)


def test_a_file_may_hold_parts(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("shape: {a: {x: 1}}\nshape.a.y: 2\nany-thing.b: null\n")
    found = read("--config", str(tmp_path / "c.yaml"))
    assert (found.shape, found.any_thing) == ({"a": {"x": 1, "y": 2}}, {"b": None})
    (tmp_path / "c.yaml").write_text("size.a: 2\n")
    with pytest.raises(SystemExit):
        read("--config", str(tmp_path / "c.yaml"))


KEYS = st.text("abc_", min_size=1, max_size=3)
LEAVES = st.one_of(
    st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.just("word")
)


@given(st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, min_size=1), max_leaves=9))
def test_an_object_is_the_sum_of_its_parts(value: Any) -> None:
    whole = {"all": value}
    words = [f"--shape.{'.'.join(path)}={_as_text(leaf)}" for path, leaf in leaves(whole)]
    assert read(*words).shape == whole
    merged: dict[str, Any] = {}
    for path, leaf in leaves(whole):
        merge(merged, nested(path, leaf))
    assert merged == whole


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [found for key, inner in value.items() for found in leaves(inner, (*path, key))]


def _as_text(leaf: Any) -> str:
    return leaf if isinstance(leaf, str) else json.dumps(leaf)


def test_a_variable_that_nobody_reads_is_told_with_the_nearest_and_without_its_value() -> None:
    environ = {"VLLM_PART_SIZES": "secret", "VLLM_QQ": "1", "VLLM_PART_SIZE": "3", "OTHER": "x"}
    assert flags.unread_notices([Parted], environ) == [
        "VLLM_PART_SIZES is set, but nothing reads it; did you mean VLLM_PART_SIZE?",
        "VLLM_QQ is set, but nothing reads it",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "VLLM_SERVICE_HOST",
        "VLLM_SERVICE_PORT",
        "VLLM_SERVICE_PORT_HTTP",
        "VLLM_ROUTER_PORT",
        "VLLM_PORT_8000_TCP",
        "VLLM_PORT_8000_TCP_ADDR",
    ],
)
def test_what_kubernetes_says_of_a_service_is_left_alone(name: str) -> None:
    assert flags.unread_notices([Parted], {name: "tcp://10.0.0.7:8000"}) == []
