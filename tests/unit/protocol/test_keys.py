"""The file of API keys: what it may say, and what becomes of it while programs run."""

import contextlib
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.protocol.errors import SettingsError
from penstock.protocol.keys import KeyFile, Scope, WatchedKeyFile, read_key_file

SECRET = "sk-very-secret"
TOML = """
[total]
requests_per_minute = 1000

[[keys]]
name = "search"
key = "sk-very-secret"
scopes = ["inference", "metrics"]
weight = 2.5
quotas = { tokens_per_day = 5000, max_concurrent = 3 }

[[keys]]
name = "ops@example.org"
sha256 = "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B"
scopes = ["ops"]
"""


def written(folder: Path, text: str, name: str = "keys.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    found = read_key_file(written(tmp_path, TOML))
    search, ops = found.keys
    assert (search.name, search.weight, search.quotas.tokens_per_day) == ("search", 2.5, 5000)
    assert search.digests == [hashlib.sha256(SECRET.encode()).digest()]
    assert ops.digests == [hashlib.sha256(b"secret").digest()]
    assert ops.scopes == (Scope.OPS,)
    assert found.total.requests_per_minute == 1000
    holders = [
        {"name": h.name, "sha256": h.digests[0].hex(), "scopes": h.scopes, "weight": h.weight}
        for h in found.keys
    ]
    holders[0]["quotas"] = {"tokens_per_day": 5000, "max_concurrent": 3}
    text = json.dumps({"total": {"requests_per_minute": 1000}, "keys": holders})
    again = read_key_file(written(tmp_path, text, "keys.json"))
    assert [h.digests for h in again.keys] == [h.digests for h in found.keys]
    assert again.keys[0].quotas == search.quotas


def test_a_key_opens_inference_and_models_unless_it_says_otherwise(tmp_path: Path) -> None:
    (holder,) = read_key_file(written(tmp_path, '[[keys]]\nname = "a"\nkey = "k"')).keys
    assert set(holder.scopes) == {Scope.INFERENCE, Scope.MODELS}
    assert not KeyFile(keys=[holder]).has_quotas


def test_a_holder_may_have_several_keys_while_they_change(tmp_path: Path) -> None:
    text = f'[[keys]]\nname = "a"\nkey = ["old", "new"]\nsha256 = ["{"0" * 64}"]'
    (holder,) = read_key_file(written(tmp_path, text)).keys
    assert len(holder.digests) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[keys]]\nname = 'a'", "'a' has neither key nor sha256"),
        ("[[keys]]\nkey = 'sk-very-secret'", "missing required field `name`"),
        ("[[keys]]\nname = 'a b'\nkey = 'sk-very-secret'", "name must be 1 to 64"),
        ("[[keys]]\nname = 'addr:1'\nkey = 'sk-very-secret'", "name must be 1 to 64"),
        ("[[keys]]\nname = 'a'\nkey = 'sk-very-secret '", "printable ASCII without blanks"),
        ("[[keys]]\nname = 'a'\nkey = ''", "printable ASCII without blanks"),
        ("[[keys]]\nname = 'a'\nsha256 = 'sk-very-secret'", "64 hexadecimal digits"),
        ("[[keys]]\nname = 'a'\nkey = 7", "Expected `str | array`"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\nscopes = ['all']", "Invalid enum value 'all'"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\nweight = 0", ">= 0.001"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\nrpm = 5", "unknown field `rpm`"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\nquotas = { requests_per_day = 0 }", ">= 1"),
        ("[totals]\n", "unknown field `totals`"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\n[[keys]]\nname = 'a'\nkey = 'l'", "a name twice: a"),
        ("[[keys]]\nname = 'a'\nkey = 'k'\n[[keys]]\nname = 'b'\nkey = 'k'", "key twice, of a, b"),
        ("[[keys]\n", "Expected"),
    ],
)
def test_a_wrong_file_is_told_without_a_key(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        read_key_file(path)
    assert str(error.value).startswith(f"--api-key-file {path}: ")
    assert told in str(error.value)
    assert SECRET not in str(error.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_key_file(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_key_file(str(tmp_path / "bytes.json"))


_NAMES = st.sampled_from(["keys", "total", "name", "key", "sha256", "scopes", "weight", "quotas"])
_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_whatever_json_says_is_keys_or_an_error(tmp_path_factory: Any, value: Any) -> None:
    path = written(tmp_path_factory.getbasetemp(), json.dumps(value), "any.json")
    with contextlib.suppress(SettingsError):
        assert isinstance(read_key_file(path), KeyFile)


def looks(watched: WatchedKeyFile, *at_s: float) -> list[bool]:
    return [watched.refresh(now_s) for now_s in at_s]


def test_a_file_that_changed_is_read_again_and_once(tmp_path: Path) -> None:
    path = written(tmp_path, TOML)
    watched = WatchedKeyFile(path, still_s=0.4)
    assert looks(watched, 0.0, 0.5) == [False, False]
    written(tmp_path, TOML.replace("2.5", "3.5"))
    os.utime(path, ns=(1, 1))
    assert looks(watched, 1.0, 1.3, 1.5, 2.0) == [False, False, True, False]
    assert watched.now.keys[0].weight == 3.5
    os.utime(path, ns=(2, 2))
    assert not any(looks(watched, 2.5, 3.0, 3.5)), "its date is new, what it says is not"


def test_a_file_that_is_being_written_is_not_read_before_it_is_there(tmp_path: Path) -> None:
    """Whole holders may be missing from half a file that can be read."""
    path = written(tmp_path, TOML)
    watched = WatchedKeyFile(path, still_s=0.4)
    for at_s, text in enumerate(("", TOML[:-60], TOML.replace("2.5", "3.5"))):
        written(tmp_path, text)
        assert not any(looks(watched, at_s, at_s + 0.3))
        assert watched.now.keys[0].weight == 2.5
    assert looks(watched, 2.5) == [True]
    assert watched.now.keys[0].weight == 3.5


def test_a_file_that_changes_while_it_is_read_is_read_when_that_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, TOML)
    watched = WatchedKeyFile(path, still_s=0.4)
    written(tmp_path, TOML.replace("2.5", "3.5"))
    assert not watched.refresh(0.0)
    with monkeypatch.context() as patch:
        patch.setattr("penstock.protocol.keys.watched.read_key_file", emptied)
        assert not watched.refresh(0.5)
    assert watched.now.keys[0].weight == 2.5
    written(tmp_path, TOML.replace("2.5", "4.5"))
    assert looks(watched, 1.0, 1.5) == [False, True]
    assert watched.now.keys[0].weight == 4.5


def emptied(path: str) -> KeyFile:
    """Reads it the moment somebody begins to write it."""
    Path(path).write_text("")
    return read_key_file(path)


def test_a_file_that_turned_bad_changes_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, TOML)
    watched = WatchedKeyFile(path, still_s=0.4)
    before = watched.now
    with caplog.at_level(logging.ERROR):
        written(tmp_path, TOML + "[nonsense]")
        assert not any(looks(watched, 0.0, 0.5, 1.0, 1.5))
        written(tmp_path, TOML + "\n[nonsense]")
        assert not any(looks(watched, 2.0, 2.5, 3.0, 3.5))
        assert not watched.reread()
        os.unlink(path)
        assert not any(looks(watched, 4.0, 4.5, 5.0, 5.5))
    assert watched.now is before
    assert len(caplog.records) == 2
    assert SECRET not in caplog.text
    written(tmp_path, '[[keys]]\nname = "new"\nkey = "k"')
    assert looks(watched, 6.0, 6.5) == [False, True]
    assert [holder.name for holder in watched.now.keys] == ["new"]
